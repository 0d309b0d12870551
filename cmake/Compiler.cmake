# Compiler settings for our own code. Third-party headers come in as SYSTEM and keep their warnings.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -g1 keeps line numbers for backtraces at a fraction of the compile and link time.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the source, so that all build folders share what one has compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

if(LATCHWIRE_SANITIZE)
  add_compile_options(-fsanitize=${LATCHWIRE_SANITIZE} -fno-omit-frame-pointer -O1)
  if(LATCHWIRE_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(LATCHWIRE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # ThreadSanitizer does not see Asio's fences; its queues are locked by mutexes, which it does see.
    add_compile_options(-Wno-tsan)
  endif()
  add_link_options(-fsanitize=${LATCHWIRE_SANITIZE})
endif()

# Debian's CMake configs name more libraries than we use; only what is used is loaded.
add_link_options(-Wl,--as-needed)

# Ours alone: generated and foreign code does not link it.
add_library(latchwire_compiler INTERFACE)
target_compile_options(latchwire_compiler INTERFACE -Wall -Wextra -Werror $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>
  -Wnon-virtual-dtor -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(latchwire_compiler INTERFACE -Wthread-safety -Wno-error=deprecated-declarations)
else()
  # GCC 12 reports false positives of these through inlined std::optional and absl::StatusOr.
  target_compile_options(latchwire_compiler INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(LATCHWIRE_CRASH_POINTS)
  target_compile_definitions(latchwire_compiler INTERFACE LATCHWIRE_CRASH_POINTS=1)
endif()
target_compile_definitions(latchwire_compiler INTERFACE LATCHWIRE_VERSION="${PROJECT_VERSION}")
