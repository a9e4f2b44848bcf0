/* SPDX-License-Identifier: MIT
 * Names of operations and results; see op.h. */
#include "op.h"

const char *op_text(unsigned op)
{
    switch (op) {
#define X(name, number, text)                                                                                \
    case number:                                                                                             \
        return text;
        OP_TABLE(X)
#undef X
    }
    return "unknown";
}

const char *result_text(unsigned result)
{
    switch (result) {
#define X(name, number, text)                                                                                \
    case number:                                                                                             \
        return text;
        RESULT_TABLE(X)
#undef X
    }
    return "unknown";
}
