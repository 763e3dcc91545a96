/*
 * An SQLite file layer over the system's own that counts every call which changes a file, and at
 * the n-th of them kills the process, tears the write, or reports an error.
 */
#ifndef TESTS_AGENT_FAULT_VFS_H
#define TESTS_AGENT_FAULT_VFS_H

enum fault {
    FAULT_NONE,
    FAULT_KILL,      /* SIGKILL before the call */
    FAULT_TEAR,      /* the first half of a write, then SIGKILL */
    FAULT_FAIL_ONCE, /* this call fails */
    FAULT_FAIL_ON    /* this call and all later ones fail */
};

/* Make it the layer of every database opened from now on. Calls are counted from here. */
void fault_vfs_start(enum fault fault, int at_call);

/* Back to the system's layer; the calls that were counted. */
int fault_vfs_stop(void);

#endif
