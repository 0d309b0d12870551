include(GoogleTest)

# Server, agent and what latchwire_binary makes besides, without the tests.
add_custom_target(programs)

# latchwire_link(target visibility dependency...): what target_link_libraries does, but a name of ours that is
# no target by the end of the configuration stops it, so that a misspelt one is not taken for a system library.
function(latchwire_link target visibility)
  target_link_libraries(${target} ${visibility} ${ARGN})
  foreach(dependency IN LISTS ARGN)
    if(dependency MATCHES "^latchwire_")
      set_property(GLOBAL APPEND PROPERTY latchwire_links "${target}>${dependency}")
    endif()
  endforeach()
endfunction()

# To be called last, when every target is there.
function(latchwire_check_links)
  get_property(links GLOBAL PROPERTY latchwire_links)
  foreach(link IN LISTS links)
    string(REPLACE ">" ";" pair ${link})
    list(GET pair 0 target)
    list(GET pair 1 dependency)
    if(NOT TARGET ${dependency})
      message(FATAL_ERROR "${target} links ${dependency}, which is no target")
    endif()
  endforeach()
endfunction()

# latchwire_library(NAME t [DEPS ...] [TEST_DEPS ...] [TEST_WHOLE_ARCHIVE ...] [EXCLUDE file...])
#
# Library t from the folder's *.cc (INTERFACE when there are only headers), and a test t_test from its
# *_test.cc. main.cc belongs to latchwire_binary. TEST_WHOLE_ARCHIVE names libraries whose tests
# register themselves, such as the store's conformance suite.
function(latchwire_library)
  cmake_parse_arguments(arg "" "NAME" "DEPS;TEST_DEPS;TEST_WHOLE_ARCHIVE;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  foreach(name IN LISTS arg_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${name})
  endforeach()

  if(sources)
    add_library(${arg_NAME} STATIC ${sources})
    set(visibility PUBLIC)
    target_link_libraries(${arg_NAME} PRIVATE latchwire_compiler)
  else()
    add_library(${arg_NAME} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(${arg_NAME} ${visibility} ${PROJECT_SOURCE_DIR})
  latchwire_link(${arg_NAME} ${visibility} ${arg_DEPS})

  if(tests)
    latchwire_test(NAME ${arg_NAME}_test SOURCES ${tests} DEPS ${arg_NAME} ${arg_TEST_DEPS}
      WHOLE_ARCHIVE ${arg_TEST_WHOLE_ARCHIVE})
  endif()
endfunction()

# latchwire_test(NAME t SOURCES ... DEPS ... [WHOLE_ARCHIVE ...]): a GoogleTest program known to ctest.
function(latchwire_test)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;DEPS;WHOLE_ARCHIVE" ${ARGN})
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  foreach(library IN LISTS arg_WHOLE_ARCHIVE)
    target_link_libraries(${arg_NAME} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${library}>)
  endforeach()
  latchwire_link(${arg_NAME} PRIVATE ${arg_DEPS} latchwire_base_testing latchwire_compiler GTest::gmock GTest::gtest_main)
  # PRE_TEST: tests are listed when ctest runs, not after each link. NO_PRETTY_VALUES: a parameter that is a
  # pointer would give a test another name in every run.
  gtest_discover_tests(${arg_NAME} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES PROPERTIES TIMEOUT 120)
endfunction()

# latchwire_binary(NAME program [DEPS ...]): program from the folder's main.cc, installed to bin/.
function(latchwire_binary)
  cmake_parse_arguments(arg "" "NAME" "DEPS" ${ARGN})
  add_executable(${arg_NAME} main.cc)
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  latchwire_link(${arg_NAME} PRIVATE ${arg_DEPS} latchwire_compiler)
  set_target_properties(${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  add_dependencies(programs ${arg_NAME})
  install(TARGETS ${arg_NAME})
endfunction()
