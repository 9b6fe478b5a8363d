/* Clocks and CPU accounting, read from the kernel's own figures. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

uint64_t load_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int64_t load_wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* CPU time of this process in seconds. */
static double own_cpu_s(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Seconds of user and system time of a process and all its threads, from /proc/PID/stat. */
static double process_cpu_s(int pid) {
    char path[64], line[2048];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return -1;
    }
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    char *rest = strrchr(line, ')'); /* the name in brackets may hold blanks */
    unsigned long user = 0, system = 0;
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                               &user, &system) != 2) {
        return -1;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Stolen and busy seconds of the whole machine, from the first line of /proc/stat. */
static void machine_cpu_s(double *steal_s, double *busy_s) {
    *steal_s = *busy_s = -1;
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) {
        return;
    }
    unsigned long long user, nice, system, idle, wait, irq, soft, steal;
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
               &wait, &irq, &soft, &steal) == 8) {
        double hertz = (double)sysconf(_SC_CLK_TCK);
        *steal_s = (double)steal / hertz;
        *busy_s = (double)(user + nice + system + irq + soft) / hertz;
    }
    fclose(file);
}

struct load_usage load_usage_read(int server_pid, uint64_t now_ns) {
    struct load_usage usage = {.own_cpu_s = own_cpu_s(), .server_cpu_s = -1, .clock_ns = now_ns};
    if (server_pid > 0) {
        usage.server_cpu_s = process_cpu_s(server_pid);
    }
    machine_cpu_s(&usage.steal_s, &usage.busy_s);
    return usage;
}
