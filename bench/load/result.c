/* One JSON object on standard output: what was measured between the marks. */
#include "load.h"

static void print_latency(const struct kk_histogram *latency) {
    printf("\"latency_us\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"p99_9\": %.3f, "
           "\"max\": %.3f, \"count\": %llu}, ",
           (double)kk_histogram_quantile_ns(latency, 500000) / 1e3,
           (double)kk_histogram_quantile_ns(latency, 900000) / 1e3,
           (double)kk_histogram_quantile_ns(latency, 990000) / 1e3,
           (double)kk_histogram_quantile_ns(latency, 999000) / 1e3, (double)latency->max_ns / 1e3,
           (unsigned long long)latency->count);
}

static void print_count(const char *name, uint64_t value) {
    printf("\"%s\": %llu, ", name, (unsigned long long)value);
}

/* Print a second count, or null where it could not be read. */
static void print_seconds(const char *name, double begin_s, double end_s) {
    if (begin_s < 0 || end_s < 0) {
        printf("\"%s\": null, ", name);
    } else {
        printf("\"%s\": %.3f, ", name, end_s - begin_s);
    }
}

static void print_numbers(const struct load_client *client) {
    printf("\"sessions\": [");
    for (uint32_t i = 0; i < client->options->sessions; i++) {
        const struct load_session *session = &client->sessions[i];
        printf("%s{\"comp_id\": \"%s\", \"next_out\": %llu, \"next_in\": %llu, \"operations\": %u}",
               i == 0 ? "" : ", ", session->comp_id, (unsigned long long)session->next_out,
               (unsigned long long)session->next_in, session->op_count);
    }
    printf("]");
}

void load_result_print(const struct load_client *client, const struct load_usage *begin,
                       const struct load_usage *end, const struct load_counts *at_begin,
                       const struct load_counts *at_end, uint64_t answered) {
    const struct load_counts *all = &client->counts;
    double elapsed_s = (double)(end->clock_ns - begin->clock_ns) / 1e9;
    printf("{\"elapsed_s\": %.6f, \"orders_per_s\": %.1f, ", elapsed_s,
           elapsed_s > 0 ? (double)answered / elapsed_s : 0.0);
    print_count("answered", answered);
    print_count("messages_in", at_end->messages_in - at_begin->messages_in);
    print_count("messages_out", at_end->messages_out - at_begin->messages_out);
    print_latency(&client->latency);
    print_seconds("own_cpu_s", begin->own_cpu_s, end->own_cpu_s);
    print_seconds("server_cpu_s", begin->server_cpu_s, end->server_cpu_s);
    print_seconds("steal_s", begin->steal_s, end->steal_s);
    print_seconds("busy_s", begin->busy_s, end->busy_s);
    printf("\"whole_run\": {");
    print_count("orders", all->orders);
    print_count("cancels", all->cancels);
    print_count("news", all->news);
    print_count("trades", all->trades);
    print_count("cancelled", all->cancelled);
    print_count("too_late", all->too_late);
    print_count("refused", all->refused);
    print_count("messages_in", all->messages_in);
    print_count("messages_out", all->messages_out);
    print_count("bytes_in", all->bytes_in);
    print_count("bytes_out", all->bytes_out);
    printf("\"violations\": %llu}, ", (unsigned long long)all->violations);
    print_count("lost_connections", client->lost_connections);
    print_numbers(client);
    printf("}\n");
}
