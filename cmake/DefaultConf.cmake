# SPDX-License-Identifier: MIT
# Writes /etc/walkv/walkv.conf as a package installs it: what the PROGRAMS (separated by commas) print of their settings, with
# all of it commented out, but for the one that is SET (name=value).
string(REPLACE "," ";" programs "${PROGRAMS}")
string(REGEX MATCH "^[a-z_]+" name "${SET}")
string(REPLACE "_" "-" flag "--${SET}")
set(text "# This file is read by walkvd, walkv-httpd and walkvctl; walkv.conf(5) explains it. After a change:
# systemctl restart walkvd 'walkv-httpd@*'. What is commented out is the default.
")
foreach(program ${programs})
  execute_process(COMMAND ${program} --config /dev/null ${flag} --print-config OUTPUT_VARIABLE printed RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${program} --print-config: ${status}")
  endif()
  # The version would make it another file with every release, and dpkg would ask those who have changed theirs.
  string(REGEX REPLACE "^# The configuration of ([a-z-]+) [^\n]*\n" "# The configuration of \\1.\n" printed "${printed}")
  string(REGEX REPLACE "\n([a-z_]+ = )" "\n#\\1" printed "${printed}")
  string(REPLACE "\n#${name} = " "\n${name} = " printed "${printed}")
  string(APPEND text "\n${printed}")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
