/* SPDX-License-Identifier: ISC */
/*
 * plan - what the load of the fixture had to send by its options, on which connection, and not
 * before when; worked out here from the manual's words, apart from the client's own schedule.
 */
#ifndef BOBBIN_LOAD_SYSTEM_PLAN_H
#define BOBBIN_LOAD_SYSTEM_PLAN_H

/*
 * Hold record and JSON of a load that has ended against its options: every message has its own
 * number, the numbers on a connection are in order, a connection has --per-connection of them
 * before its slot's next one begins, each slot has its quota (less what the client gave up, being
 * late), as many connections were opened as that takes and were ended as asked, nothing was there
 * before it was due, no reply was quicker than the server, and all of them were counted and
 * measured.
 *
 * Only for runs in which no connection fails.
 */
void plan_must_be_followed(void);

#endif
