/* Commands: a decoded D, F, G or H goes to the file that knows its kind. */
#ifndef KK_COMMAND_H
#define KK_COMMAND_H

#include "kk_engine.h"

/* Applies a decoded command inside the open unit: dispatch by kind. */
void kk_apply_command(kk_engine *engine, uint32_t session, const kk_command *command,
                      uint64_t clord_id_hash, uint64_t orig_clord_id_hash);

#endif
