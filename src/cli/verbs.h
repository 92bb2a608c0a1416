/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/* Every verb; each is defined in its own file in cli/verb. */
extern const struct verb verb_attach;
extern const struct verb verb_commit;
extern const struct verb verb_complete;
extern const struct verb verb_completion;
extern const struct verb verb_container_inspect;
extern const struct verb verb_container_prune;
extern const struct verb verb_context_create;
extern const struct verb verb_context_inspect;
extern const struct verb verb_context_ls;
extern const struct verb verb_context_rm;
extern const struct verb verb_context_show;
extern const struct verb verb_context_update;
extern const struct verb verb_context_use;
extern const struct verb verb_cp;
extern const struct verb verb_create;
extern const struct verb verb_dial_stdio;
extern const struct verb verb_diff;
extern const struct verb verb_doctor;
extern const struct verb verb_events;
extern const struct verb verb_exec;
extern const struct verb verb_export;
extern const struct verb verb_history;
extern const struct verb verb_image_inspect;
extern const struct verb verb_image_prune;
extern const struct verb verb_images;
extern const struct verb verb_import;
extern const struct verb verb_info;
extern const struct verb verb_inspect;
extern const struct verb verb_kill;
extern const struct verb verb_load;
extern const struct verb verb_login;
extern const struct verb verb_logout;
extern const struct verb verb_logs;
extern const struct verb verb_man;
extern const struct verb verb_pause;
extern const struct verb verb_port;
extern const struct verb verb_ps;
extern const struct verb verb_pull;
extern const struct verb verb_push;
extern const struct verb verb_rename;
extern const struct verb verb_restart;
extern const struct verb verb_rm;
extern const struct verb verb_rmi;
extern const struct verb verb_run;
extern const struct verb verb_save;
extern const struct verb verb_start;
extern const struct verb verb_stats;
extern const struct verb verb_stop;
extern const struct verb verb_system_df;
extern const struct verb verb_system_prune;
extern const struct verb verb_tag;
extern const struct verb verb_top;
extern const struct verb verb_unpause;
extern const struct verb verb_update;
extern const struct verb verb_version;
extern const struct verb verb_vm_template;
extern const struct verb verb_wait;
