/* SPDX-License-Identifier: MIT
 * walkvctl status, walkvctl checkpoint: what needs one question to the running walkvd. */
#include "ctl.h"
#include "log.h"

#include <inttypes.h>
#include <sysexits.h>

int ctl_status(const struct ctl *ctl)
{
    struct ctl_client client;
    ctl_connect(&client, ctl->socket_path);
    frame_encode_empty(&client.out, FRAME_STATUS, 1);
    ctl_flush(&client);
    struct status status;
    if (!status_decode(ctl_receive(&client, FRAME_STATUS_REPLY), &status))
        fatal(EX_PROTOCOL, "the status of walkvd cannot be read");
    ctl_disconnect(&client);
    const char *separator = "{";
#define X(name)                                                                                              \
    if (ctl->json)                                                                                           \
        printf("%s\"%s\":\"%s\"", separator, #name, status.name);                                            \
    else                                                                                                     \
        printf("%-28s %s\n", #name, status.name);                                                            \
    separator = ",";
    STATUS_TEXTS(X)
#undef X
#define X(name)                                                                                              \
    if (ctl->json)                                                                                           \
        printf(",\"%s\":%" PRIu64, #name, status.name);                                                      \
    else                                                                                                     \
        printf("%-28s %" PRIu64 "\n", #name, status.name);
    STATUS_NUMBERS(X)
#undef X
    if (ctl->json)
        puts("}");
    return 0;
}

int ctl_checkpoint(const struct ctl *ctl)
{
    struct ctl_client client;
    ctl_connect(&client, ctl->socket_path);
    frame_encode_empty(&client.out, FRAME_CHECKPOINT, 1);
    ctl_flush(&client);
    struct checkpoint_reply reply;
    if (!frame_decode_checkpoint_reply(ctl_receive(&client, FRAME_CHECKPOINT_REPLY), &reply))
        fatal(EX_PROTOCOL, "the answer of walkvd cannot be read");
    int status = reply.result == RESULT_OK ? 0 : EX_IOERR;
    if (status)
        fprintf(stderr, "walkvctl: no checkpoint: %.*s\n", (int)reply.sentence.bytes, reply.sentence.at);
    else
        printf(ctl->json ? "{\"checkpoint_lsn\":%" PRIu64 "}\n" : "checkpoint of LSN %" PRIu64 " is done\n",
               reply.lsn);
    ctl_disconnect(&client);
    return status;
}
