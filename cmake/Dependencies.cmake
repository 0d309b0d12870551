# Debian 12's packages; cmake/install-dependencies.sh lists them.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(RapidJSON REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares)

# Debian's RapidJSON config is variables only.
add_library(latchwire_rapidjson INTERFACE)
target_include_directories(latchwire_rapidjson SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS})

# Headers only: Debian has the compiled form as a shared library alone, and it fixes TOML_EXCEPTIONS.
add_library(latchwire_toml INTERFACE)
target_compile_definitions(latchwire_toml INTERFACE TOML_HEADER_ONLY=1)

# Beast and Asio, headers only; the settings must be the same in every file that includes them.
add_library(latchwire_asio INTERFACE)
target_link_libraries(latchwire_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(latchwire_asio INTERFACE BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_CONCEPTS BOOST_ALLOW_DEPRECATED_HEADERS)

if(LATCHWIRE_GRPC)
  find_package(Protobuf REQUIRED)
  find_package(gRPC REQUIRED)
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
endif()

# Debian has spdlog and fmt as shared libraries only.
add_library(latchwire_logging INTERFACE)
if(LATCHWIRE_STATIC)
  target_link_libraries(latchwire_logging INTERFACE spdlog::spdlog_header_only fmt::fmt-header-only)
  target_compile_definitions(latchwire_logging INTERFACE FMT_HEADER_ONLY=1)
  include(StaticLibraries)
else()
  target_link_libraries(latchwire_logging INTERFACE spdlog::spdlog)
endif()
