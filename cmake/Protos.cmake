# C++ from the protos, generated into the build folder. google/api and google/rpc come from the
# pinned PyPI package googleapis-common-protos.
execute_process(COMMAND ${PROJECT_SOURCE_DIR}/cmake/python-venv.sh
  OUTPUT_VARIABLE LATCHWIRE_VENV OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "cmake/python-venv.sh failed; the protos need googleapis-common-protos out of it")
endif()
file(GLOB site_packages ${LATCHWIRE_VENV}/lib/python3*/site-packages)
set(LATCHWIRE_GOOGLEAPIS_DIR ${CMAKE_BINARY_DIR}/googleapis)
file(COPY ${site_packages}/google/api ${site_packages}/google/rpc
  DESTINATION ${LATCHWIRE_GOOGLEAPIS_DIR}/google FILES_MATCHING PATTERN "*.proto")
set(LATCHWIRE_PROTO_OUT ${CMAKE_BINARY_DIR}/generated)
# For the client's own generator, in another folder.
foreach(name LATCHWIRE_VENV LATCHWIRE_GOOGLEAPIS_DIR LATCHWIRE_PROTO_OUT)
  set(${name} ${${name}} CACHE INTERNAL "")
endforeach()
# Generates without compiling, for the checks that only read.
add_custom_target(generated_code)

# latchwire_proto_library(NAME t [ROOT dir] (FILES a.proto... | FOLDER dir) [DEPS ...])
# Service stubs are generated for FOLDER, that is for our own protos, and only where a service is.
function(latchwire_proto_library)
  cmake_parse_arguments(arg "" "NAME;ROOT;FOLDER" "FILES;DEPS" ${ARGN})
  if(NOT arg_ROOT)
    set(arg_ROOT ${PROJECT_SOURCE_DIR}/protos)
  endif()
  if(arg_FOLDER)
    file(GLOB arg_FILES CONFIGURE_DEPENDS RELATIVE ${arg_ROOT} ${arg_ROOT}/${arg_FOLDER}/*.proto)
  endif()
  file(MAKE_DIRECTORY ${LATCHWIRE_PROTO_OUT})
  set(sources)
  list(TRANSFORM arg_FILES PREPEND ${arg_ROOT}/ OUTPUT_VARIABLE neighbours)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${neighbours})
  foreach(file IN LISTS arg_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(outputs ${LATCHWIRE_PROTO_OUT}/${stem}.pb.cc ${LATCHWIRE_PROTO_OUT}/${stem}.pb.h)
    set(plugin)
    file(STRINGS ${arg_ROOT}/${file} services REGEX "^service ")
    if(arg_FOLDER AND services)
      set(plugin --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} --grpc_out=${LATCHWIRE_PROTO_OUT})
      list(APPEND outputs ${LATCHWIRE_PROTO_OUT}/${stem}.grpc.pb.cc ${LATCHWIRE_PROTO_OUT}/${stem}.grpc.pb.h)
    endif()
    # Every proto may import its neighbours, so a change of one regenerates all; ccache keeps it cheap.
    add_custom_command(OUTPUT ${outputs}
      COMMAND protobuf::protoc -I ${PROJECT_SOURCE_DIR}/protos -I ${LATCHWIRE_GOOGLEAPIS_DIR}
        --cpp_out=${LATCHWIRE_PROTO_OUT} ${plugin} ${arg_ROOT}/${file}
      DEPENDS ${neighbours} VERBATIM)
    list(APPEND sources ${outputs})
  endforeach()

  if(sources)
    add_library(${arg_NAME} STATIC ${sources})
    add_custom_target(${arg_NAME}_code DEPENDS ${sources})
    add_dependencies(generated_code ${arg_NAME}_code)
    add_dependencies(${arg_NAME} ${arg_NAME}_code)
    set(visibility PUBLIC)
    target_compile_options(${arg_NAME} PRIVATE -w)
  else()
    add_library(${arg_NAME} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(${arg_NAME} SYSTEM ${visibility} ${LATCHWIRE_PROTO_OUT})
  latchwire_link(${arg_NAME} ${visibility} ${arg_DEPS} gRPC::grpc++ protobuf::libprotobuf)
endfunction()
