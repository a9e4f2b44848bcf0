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

# walkv_embed_ui(TARGET DIRECTORY): builds the web UI in DIRECTORY with npm, and makes what comes out a part of TARGET, as
# `ui_files`. Packages are installed when package-lock.json has changed, and run no scripts of their own.
function(walkv_embed_ui target directory)
  find_program(WALKV_NODE NAMES node nodejs)
  find_program(WALKV_NPM npm)
  if(NOT WALKV_NODE OR NOT WALKV_NPM)
    message(FATAL_ERROR "node or npm not found: apt install nodejs npm, or build without the web UI: -DWALKV_UI=OFF")
  endif()
  set(from ${CMAKE_CURRENT_SOURCE_DIR}/${directory})
  set(packages ${from}/node_modules/.package-lock.json) # which npm writes last
  set(made ${CMAKE_CURRENT_BINARY_DIR}/ui)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/ui_files.c)
  set(script ${CMAKE_SOURCE_DIR}/cmake/EmbedUi.mjs)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${from}/src/* ${from}/build/* ${from}/*.html ${from}/*.ts ${from}/*.json)
  list(FILTER sources EXCLUDE REGEX "/node_modules/")
  add_custom_command(
    OUTPUT ${packages}
    COMMAND ${WALKV_NPM} ci --ignore-scripts --no-audit --no-fund
    DEPENDS ${from}/package-lock.json
    WORKING_DIRECTORY ${from}
    COMMENT "Installing the packages that the web UI is built with"
    VERBATIM)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${WALKV_NPM} run build -- --outDir ${made} --emptyOutDir --logLevel warn
    COMMAND ${WALKV_NODE} ${script} ${made} ${out}
    DEPENDS ${packages} ${sources} ${script}
    WORKING_DIRECTORY ${from}
    COMMENT "Building the web UI"
    VERBATIM)
  add_custom_target(walkv_ui DEPENDS ${out})
  target_sources(${target} PRIVATE ${out})
endfunction()
