/* SPDX-License-Identifier: ISC */
/*
 * steps - what a scene says, one step a line.
 *
 *   serve SERVICE [OPTION VALUE]...    start the ledger
 *   serve-right SERVICE                start bobbind if BOBBIND is set, else the ledger
 *   at HOST                            the load is for this host, with the server's port
 *   load OPTIONS                       start the load
 *   run OPTIONS                        and wait for its end, as each step below does, too
 *   await TEXT, await-load TEXT        until the server, or the load on standard error, says it
 *   tell SIGNAL, kill-server           send a signal to the load; kill the server
 *   stop load TIME, stop server TIME   let it stand still
 *   rest                               until the load has nothing more to do
 *   restart                            kill bobbind, and start it on the same port
 *   active COUNT                       until bobbind has so many connections
 *   past-mark COUNT                    until after the mark so many more have been received
 *   terminal COLUMNS TERM              loads from now on have one as standard error
 *   drawn TEXT, redrawn COUNT          until it shows the text, was drawn so often
 *   first SHELL                        commands that the shell does before it becomes the load
 *   needs SHELL                        skip the scene if they fail
 *   few-ports                          a network where an address has ten
 *   deaf HOST                          what listens there at the server's port never reads
 *   dead-end HOST                      SYNs to it and the server's port are not answered
 *
 *   print TEXT, print-not TEXT         the report has it, or has it not
 *   complain TEXT, complain-not TEXT   standard error has it, or has it not
 *   fits                               no line is wider than 80 columns
 *   add-up                             every message that was due ended in exactly one way
 *   agree                              and the counts are those of the ledger's record
 *   plan                               agree, and all that options and record say: see plan.h
 *   late-or VALUE                      the exit status, unless the client says it was late
 *   within TIME                        it ended so soon after the last signal: mode_check_most()
 *   VALUE RELATION VALUE               = != < > <= >=
 *
 * A value is made, from left to right, of terms with + - * / between: a number, with a unit of time
 * or size if wanted; a path of the JSON; "text" that a path must have; NAME+failures with '_' for a
 * space; HISTOGRAM@PART, how many took that part of stood_still or longer; null, true, false;
 * status; took, in ns; stood_still, for how long "stop" lasted; owed, by the mark; of standard error
 * complained, its bytes, sequences, of control, width, before the first signal, and remains, on its
 * last line; of the record received, replied, accepted, owing (connections that ended before a
 * reply), server_fins, client_resets, and since_start, the least time from the load's start until a
 * connection ended.
 */
#ifndef BOBBIN_LOAD_SYSTEM_STEPS_H
#define BOBBIN_LOAD_SYSTEM_STEPS_H

/* Do one step; the test fails if it is not as the step says. */
void steps_do(const char *step);

#endif
