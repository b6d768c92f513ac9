# What `cmake --install` puts beside the program: a CMake package and a Makefile fragment.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(TINYC_PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/tinyc)
set(TINYC_PROGRAM_PATH ${CMAKE_INSTALL_BINDIR}/tinyc)
configure_package_config_file(cmake/package/tinycConfig.cmake.in ${PROJECT_BINARY_DIR}/package/tinycConfig.cmake
  INSTALL_DESTINATION ${TINYC_PACKAGE_FOLDER} PATH_VARS TINYC_PROGRAM_PATH)
# The package holds a program: it serves builds for any core.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/tinycConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(TARGETS tinyc RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_BINARY_DIR}/package/tinycConfig.cmake ${PROJECT_BINARY_DIR}/package/tinycConfigVersion.cmake
  cmake/package/tinyc_add_model.cmake DESTINATION ${TINYC_PACKAGE_FOLDER})
install(FILES cmake/package/tinyc.mk DESTINATION ${CMAKE_INSTALL_DATADIR}/tinyc)
