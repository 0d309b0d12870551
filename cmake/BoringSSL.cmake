# LatchwireBoringSSL::crypto and ::ssl, static, every symbol prefixed with latchwire_bssl_, so that they
# live in one process with the OpenSSL that gRPC links. Built once by cmake/boringssl.sh and cached.
if(LATCHWIRE_BORINGSSL_ROOT)
  set(boringssl_root ${LATCHWIRE_BORINGSSL_ROOT})
else()
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/cmake/boringssl.sh
    OUTPUT_VARIABLE boringssl_root OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
  if(result)
    message(FATAL_ERROR "cmake/boringssl.sh failed. An installed one: -DLATCHWIRE_BORINGSSL_ROOT=<folder>")
  endif()
endif()
if(NOT EXISTS ${boringssl_root}/lib/libcrypto.a OR NOT EXISTS ${boringssl_root}/VERSION)
  message(FATAL_ERROR "${boringssl_root} is no BoringSSL: lib/libcrypto.a or VERSION is missing")
endif()
file(STRINGS ${boringssl_root}/VERSION boringssl_version LIMIT_COUNT 1)
message(STATUS "BoringSSL ${boringssl_version} in ${boringssl_root}")

add_library(LatchwireBoringSSL::crypto STATIC IMPORTED GLOBAL)
add_library(LatchwireBoringSSL::ssl STATIC IMPORTED GLOBAL)
set_target_properties(LatchwireBoringSSL::crypto PROPERTIES
  IMPORTED_LOCATION ${boringssl_root}/lib/libcrypto.a
  INTERFACE_INCLUDE_DIRECTORIES "${boringssl_root}/prefix-include;${boringssl_root}/include"
  INTERFACE_COMPILE_DEFINITIONS
    "BORINGSSL_PREFIX=latchwire_bssl;LATCHWIRE_BORINGSSL_VERSION=\"${boringssl_version}\""
  INTERFACE_LINK_LIBRARIES Threads::Threads)
set_target_properties(LatchwireBoringSSL::ssl PROPERTIES
  IMPORTED_LOCATION ${boringssl_root}/lib/libssl.a
  INTERFACE_LINK_LIBRARIES LatchwireBoringSSL::crypto)
