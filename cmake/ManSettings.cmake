# SPDX-License-Identifier: MIT
# Writes OUTPUT, the page walkv.conf(5): INPUT with what the programs WALKVD and HTTPD print of their settings in place of
# @WALKVD_SETTINGS@ and @HTTPD_SETTINGS@. CMake alone does it.
foreach(name WALKVD HTTPD)
  execute_process(COMMAND ${${name}} --print-config-man OUTPUT_VARIABLE ${name}_SETTINGS RESULT_VARIABLE status
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${${name}} --print-config-man ended with ${status}")
  endif()
endforeach()
file(READ "${INPUT}" page)
string(CONFIGURE "${page}" page @ONLY)
file(WRITE "${OUTPUT}" "${page}")
