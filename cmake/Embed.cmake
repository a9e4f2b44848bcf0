# SPDX-License-Identifier: MIT
# walkv_embed(TARGET FILE NAME): makes FILE a part of TARGET, as `const struct embedded NAME` (walkv-httpd/embedded.h):
# its bytes, and an entity tag that changes with them. CMake alone does it, when FILE has changed.
#
# Run as a script (cmake -DFILE=... -DNAME=... -DOUT=... -P Embed.cmake) it writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${FILE}" bytes HEX)
  file(SHA256 "${FILE}" hash)
  string(SUBSTRING "${hash}" 0 16 hash)
  string(LENGTH "${bytes}" digits)
  math(EXPR count "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  get_filename_component(from "${FILE}" NAME)
  file(WRITE "${OUT}" "/* Made from ${from} by cmake/Embed.cmake. */
#include \"embedded.h\"

static const unsigned char bytes[${count}] = {
${bytes}
};

const struct embedded ${NAME} = {{(const char *)bytes, sizeof bytes}, \"\\\"${hash}\\\"\"};
")
  return()
endif()

set(WALKV_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(walkv_embed target file name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DFILE=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DNAME=${name} -DOUT=${out}
            -P ${WALKV_EMBED_SCRIPT}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${WALKV_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
