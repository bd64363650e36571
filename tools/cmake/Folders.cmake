# One static library a folder, one program a main.c, one test program a *_test.c.

# tc_library(NAME FOLDER LINK ...): every .c of FOLDER but main.c.
function(tc_library name folder)
    cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    if(sources)
        add_library(${name} STATIC ${sources})
        target_link_libraries(${name} PUBLIC tc_flags ${arg_LINK})
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE tc_flags ${arg_LINK})
    endif()
endfunction()

# tc_program(NAME MAIN LINK ...): an installed program.
function(tc_program name main)
    cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
    if(EXISTS ${CMAKE_SOURCE_DIR}/${main})
        add_executable(${name} ${main})
        target_link_libraries(${name} PRIVATE ${arg_LINK})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
        install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endfunction()

# tc_unit_tests(FOLDER LABEL LINK ...): each *_test.c below FOLDER becomes the ctest LABEL/path.
function(tc_unit_tests folder label)
    cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*_test.c)
    foreach(source ${sources})
        file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/${folder} ${source})
        string(REGEX REPLACE "_test\\.c$" "" path ${path})
        string(REPLACE "/" "_" target test_${label}_${path})
        add_executable(${target} ${source})
        target_link_libraries(${target} PRIVATE ${arg_LINK} dep::cmocka)
        target_compile_definitions(${target} PRIVATE
            TESTS_DIR="${CMAKE_SOURCE_DIR}/tests" SOURCE_DIR="${CMAKE_SOURCE_DIR}"
            BINARY_DIR="${CMAKE_BINARY_DIR}")
        set_target_properties(${target} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        add_test(NAME ${label}/${path} COMMAND ${target})
        set_tests_properties(${label}/${path} PROPERTIES LABELS ${label} TIMEOUT 300)
    endforeach()
endfunction()
