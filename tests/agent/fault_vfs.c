/* A shim around SQLite's default file layer. */
#include "fault_vfs.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct in the same memory */
};

static sqlite3_vfs shim;
static sqlite3_vfs *system_vfs;
static enum fault planned;
static int planned_call, calls;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)(void *)file)->real;
}

/* SQLITE_OK: go on. */
static int next_call(void)
{
    calls++;
    if (planned == FAULT_FAIL_ON && calls >= planned_call)
        return SQLITE_FULL;
    if (calls != planned_call)
        return SQLITE_OK;
    if (planned == FAULT_KILL)
        raise(SIGKILL);
    return planned == FAULT_FAIL_ONCE ? SQLITE_FULL : SQLITE_OK;
}

static int fault_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int fault_read(sqlite3_file *file, void *buf, int size, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), buf, size, at);
}

static int fault_write(sqlite3_file *file, const void *buf, int size, sqlite3_int64 at)
{
    int code = next_call();
    if (code != SQLITE_OK)
        return SQLITE_FULL;
    if (planned == FAULT_TEAR && calls == planned_call) {
        (void)real_of(file)->pMethods->xWrite(real_of(file), buf, size / 2, at);
        raise(SIGKILL);
    }
    return real_of(file)->pMethods->xWrite(real_of(file), buf, size, at);
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return next_call() != SQLITE_OK ? SQLITE_IOERR_TRUNCATE
                                    : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    return next_call() != SQLITE_OK ? SQLITE_IOERR_FSYNC
                                    : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int fault_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int fault_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int fault_reserved(sqlite3_file *file, int *result)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int fault_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int fault_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int fault_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int fault_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, map);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void fault_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int fault_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_reserved,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                      int *ret_flags)
{
    struct fault_file *mine = (struct fault_file *)(void *)file;
    (void)vfs;
    mine->real = (sqlite3_file *)(void *)(mine + 1);
    int code = system_vfs->xOpen(system_vfs, name, mine->real, flags, ret_flags);
    mine->base.pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    (void)vfs;
    return next_call() != SQLITE_OK ? SQLITE_IOERR_DELETE
                                    : system_vfs->xDelete(system_vfs, name, sync_directory);
}

void fault_vfs_start(enum fault fault, int at_call)
{
    system_vfs = system_vfs ? system_vfs : sqlite3_vfs_find(NULL);
    planned = fault;
    planned_call = at_call;
    calls = 0;
    shim = *system_vfs;
    shim.pNext = NULL;
    shim.zName = "fault";
    shim.szOsFile = (int)sizeof(struct fault_file) + system_vfs->szOsFile;
    shim.xOpen = fault_open;
    shim.xDelete = fault_delete;
    if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK)
        abort();
}

int fault_vfs_stop(void)
{
    sqlite3_vfs_unregister(&shim);
    planned = FAULT_NONE;
    return calls;
}
