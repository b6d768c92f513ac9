# tinyc_add_model(TARGET MODEL
#                 [NAME name]         of the C files and functions; default: from MODEL
#                 [CALIB data]        calibration data
#                 [RECIPE file]       settings of the compression
#                 [MAX_RAM bytes]     the build fails when the arena is larger
#                 [MAX_FLASH bytes]   ... when constants and predicted code are
#                 [CORE name]         core that code is predicted for; see `tinyc list targets`
#                 [TEST_VECTORS n]    NAME_test.c with n samples is built in: int NAME_test(void)
#                 [QUANTIZED]         MODEL is quantized already: emit it as it is
#                 [FLAGS flag...])    more flags of `tinyc compress` (`tinyc emit` when QUANTIZED)
#
# Compresses MODEL, writes it as C and adds that to TARGET: #include "NAME.h" finds the header. The C is written again
# when the model, its external data, the calibration data, the recipe or tinyc itself changes.
cmake_policy(PUSH)
cmake_policy(VERSION 3.20...3.25)

function(tinyc_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "QUANTIZED" "NAME;CALIB;RECIPE;MAX_RAM;MAX_FLASH;CORE;TEST_VECTORS" "FLAGS")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "tinyc_add_model: wrong arguments: ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  if(NOT arg_NAME)
    get_filename_component(arg_NAME "${model}" NAME_WE)
    string(MAKE_C_IDENTIFIER "${arg_NAME}" arg_NAME)
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/tinyc/${target}")
  set(depfile "${folder}/${arg_NAME}.d")
  set(outputs "${folder}/${arg_NAME}.c" "${folder}/${arg_NAME}.h")
  set(inputs "${model}")
  if(arg_QUANTIZED)
    set(command emit "${model}" --as c)
    set(data_flag --data)
  else()
    set(command compress "${model}" --emit c)
    set(data_flag --calib)
  endif()
  if(arg_CALIB)
    get_filename_component(data "${arg_CALIB}" ABSOLUTE)
    list(APPEND command ${data_flag} "${data}")
    list(APPEND inputs "${data}")
  endif()
  if(arg_RECIPE)
    get_filename_component(recipe "${arg_RECIPE}" ABSOLUTE)
    list(APPEND command --recipe "${recipe}")
    list(APPEND inputs "${recipe}")
  endif()
  foreach(flag IN ITEMS MAX_RAM MAX_FLASH CORE TEST_VECTORS)
    if(DEFINED arg_${flag})
      string(TOLOWER "--${flag}" spelled)
      string(REPLACE "_" "-" spelled "${spelled}")
      string(REPLACE "--core" "--target" spelled "${spelled}")
      list(APPEND command ${spelled} "${arg_${flag}}")
    endif()
  endforeach()
  if(arg_TEST_VECTORS)
    list(APPEND outputs "${folder}/${arg_NAME}_test.c")
    set_property(SOURCE "${folder}/${arg_NAME}_test.c" APPEND PROPERTY COMPILE_DEFINITIONS TINYC_NO_MAIN)
  endif()
  add_custom_command(OUTPUT ${outputs}
    COMMAND "${TINYC_PROGRAM}" ${command} ${arg_FLAGS} --name "${arg_NAME}" -o "${folder}" --depfile "${depfile}"
    DEPENDS ${inputs} "${TINYC_PROGRAM}"
    DEPFILE "${depfile}"
    COMMENT "tinyc: ${arg_NAME}"
    VERBATIM)
  target_sources(${target} PRIVATE ${outputs})
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()

cmake_policy(POP)
