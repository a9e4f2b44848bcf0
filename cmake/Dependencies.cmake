# SPDX-License-Identifier: MIT
# Every dependency is a Debian package; a missing one is named with the package that brings it.
find_package(PkgConfig REQUIRED)

function(walkv_pkg target module package)
  pkg_check_modules(${target} IMPORTED_TARGET ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "${module} not found: apt install ${package}")
  endif()
endfunction()

walkv_pkg(LMDB lmdb liblmdb-dev)
walkv_pkg(XXHASH libxxhash libxxhash-dev)
walkv_pkg(LZ4 liblz4 liblz4-dev)
walkv_pkg(EVENT libevent_core libevent-dev)
walkv_pkg(JANSSON jansson libjansson-dev)
walkv_pkg(SYSTEMD libsystemd libsystemd-dev)
walkv_pkg(ZLIB zlib zlib1g-dev)
walkv_pkg(INIH inih libinih-dev)
walkv_pkg(NETTLE nettle nettle-dev)
