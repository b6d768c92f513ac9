# Every third-party package in one place; each comes from the distribution (README lists the names to install).
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBHWY REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_path(STB_INCLUDE_DIR stb_image.h PATH_SUFFIXES stb REQUIRED)
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)

add_library(tinyc_third_party INTERFACE)
target_link_libraries(tinyc_third_party INTERFACE
  ${ONNX_PROTO_LIBRARY} protobuf::libprotobuf Eigen3::Eigen fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json
  tomlplusplus::tomlplusplus PkgConfig::LIBHWY PkgConfig::LIBZIP PkgConfig::XXHASH Threads::Threads)
target_include_directories(tinyc_third_party SYSTEM INTERFACE ${ONNX_INCLUDE_DIR} ${STB_INCLUDE_DIR})
target_compile_definitions(tinyc_third_party INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)

add_library(tinyc_cli INTERFACE)
target_link_libraries(tinyc_cli INTERFACE CLI11::CLI11 fmt::fmt nlohmann_json::nlohmann_json)
