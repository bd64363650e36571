# Debian's libraries as dep::NAME. Nothing is ever downloaded.
find_package(PkgConfig REQUIRED)

function(tc_dependency name module)
    pkg_check_modules(dep_${name} REQUIRED IMPORTED_TARGET ${module})
    add_library(dep_${name} INTERFACE)
    target_link_libraries(dep_${name} INTERFACE PkgConfig::dep_${name})
    add_library(dep::${name} ALIAS dep_${name})
endfunction()

tc_dependency(cjson libcjson)
tc_dependency(glib glib-2.0)
tc_dependency(zmq libzmq)
tc_dependency(fyaml libfyaml)
tc_dependency(systemd libsystemd)
tc_dependency(curl libcurl)
tc_dependency(cares libcares)
tc_dependency(mysql mysqlclient)
tc_dependency(sqlite sqlite3)
tc_dependency(microhttpd libmicrohttpd)
tc_dependency(crypt libcrypt)

# Debian's mbedtls 2.28 ships neither a .pc file nor a CMake package.
find_library(MBEDCRYPTO_LIBRARY mbedcrypto REQUIRED)
find_path(MBEDCRYPTO_INCLUDE mbedtls/md.h REQUIRED)
add_library(dep_mbedcrypto INTERFACE)
target_link_libraries(dep_mbedcrypto INTERFACE ${MBEDCRYPTO_LIBRARY})
target_include_directories(dep_mbedcrypto SYSTEM INTERFACE ${MBEDCRYPTO_INCLUDE})
add_library(dep::mbedcrypto ALIAS dep_mbedcrypto)
