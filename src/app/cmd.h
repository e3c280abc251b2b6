/* Commands: entry points of main.c's table. argv[0] is the command's word. Exit status. */
#ifndef POSTERN_APP_CMD_H
#define POSTERN_APP_CMD_H

int cmd_check(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_accounts(int argc, char **argv);
int cmd_trunks(int argc, char **argv);
int cmd_numbers(int argc, char **argv);
int cmd_rates(int argc, char **argv);
int cmd_profiles(int argc, char **argv);
int cmd_routes(int argc, char **argv);
int cmd_groups(int argc, char **argv);
/* 0 there is a way, 1 there is none, 2 could not be run. */
int cmd_route(int argc, char **argv);
/* These ask the running postern: 0 done, 1 refused or not found, 2 not to be reached. */
int cmd_stats(int argc, char **argv);
int cmd_calls(int argc, char **argv);
int cmd_handshakes(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_tls_report(int argc, char **argv);
int cmd_gateways(int argc, char **argv);
int cmd_alarms(int argc, char **argv);
int cmd_hangup(int argc, char **argv);
int cmd_reload(int argc, char **argv);
/* 0 passed, 1 failed, 2 could not be run. */
int cmd_zone(int argc, char **argv);
int cmd_ready(int argc, char **argv);

#endif
