/* Commands: entry points of main.c's table. argv[0] is the command's word. Exit status. */
#ifndef POSTERN_APP_CMD_H
#define POSTERN_APP_CMD_H

int cmd_check(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_accounts(int argc, char **argv);
int cmd_trunks(int argc, char **argv);
int cmd_numbers(int argc, char **argv);

#endif
