/* SPDX-License-Identifier: MIT
 * What a build with WALKV_UI=OFF has in the place of the web UI: nothing. */
#include "embedded.h"

const struct embedded_file ui_files[] = {{0}};
const unsigned ui_file_count = 0;
