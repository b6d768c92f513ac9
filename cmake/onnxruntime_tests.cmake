# Tests that compare with onnxruntime. The first of them installs it into a virtual environment; where that is not possible
# the others are skipped, and each says why.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(TINYC_VENV ${PROJECT_BINARY_DIR}/venv CACHE PATH "Virtual environment with onnxruntime; made where it is not there")

add_test(NAME onnxruntime_install
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/differential/make_venv.py ${TINYC_VENV})
set_tests_properties(onnxruntime_install PROPERTIES FIXTURES_SETUP onnxruntime SKIP_RETURN_CODE 77 TIMEOUT 1200)

# tinyc_add_onnxruntime_test(NAME SCRIPT ARGUMENTS...): the script runs with the Python of the environment.
function(tinyc_add_onnxruntime_test name)
  add_test(NAME ${name} COMMAND Python3::Interpreter
    ${PROJECT_SOURCE_DIR}/tests/differential/in_venv.py ${TINYC_VENV} ${ARGN})
  set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED onnxruntime SKIP_RETURN_CODE 77 TIMEOUT 1200)
endfunction()
