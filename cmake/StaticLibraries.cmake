# Release builds: every imported library that Debian also ships as an archive is linked from that, so that
# server and agent are one file each that needs nothing but glibc. Debian's CMake configs only know the
# shared ones, hence the exchange by name. Not there as archives: spdlog and fmt (used as headers then,
# see latchwire_logging).
function(latchwire_link_archives)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "SHARED_LIBRARY" OR type STREQUAL "UNKNOWN_LIBRARY")
      foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE)
        get_target_property(location ${target} ${property})
        if(location)
          latchwire_archive_of(${location} archive)
          set_target_properties(${target} PROPERTIES ${property} ${archive})
        endif()
      endforeach()
    endif()
    get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
    if(libraries)
      set(exchanged)
      foreach(library IN LISTS libraries)
        if(library MATCHES "^/")
          latchwire_archive_of(${library} library)
        endif()
        list(APPEND exchanged ${library})
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${exchanged}")
    endif()
  endforeach()
endfunction()

function(latchwire_archive_of location result)
  string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive ${location})
  if(EXISTS ${archive})
    set(${result} ${archive} PARENT_SCOPE)
  else()
    set(${result} ${location} PARENT_SCOPE)
  endif()
endfunction()

latchwire_link_archives()
# gRPC's config knows RE2 as a bare -lre2.
if(TARGET re2::re2)
  set_target_properties(re2::re2 PROPERTIES INTERFACE_LINK_LIBRARIES -l:libre2.a)
endif()
# CMake believes the libraries shared and does not repeat them for the order that archives need.
string(REPLACE "<LINK_LIBRARIES>" "-Wl,--start-group <LINK_LIBRARIES> -Wl,--end-group"
  CMAKE_CXX_LINK_EXECUTABLE "${CMAKE_CXX_LINK_EXECUTABLE}")
add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections)
