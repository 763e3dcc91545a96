/* Jobs on threads: each once, the first error told, none begun after it. */
#include "nn/crew.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { JOBS = 200, WRONG = 57 };

struct book {
    pthread_mutex_t lock;
    uint32_t times[JOBS];
    uint32_t inside, most; /* jobs at once */
    uint32_t wanted;       /* at once before any goes on */
    pthread_cond_t all_here;
    bool wrong;
};

static int job(void *context, uint32_t i)
{
    struct book *book = context;
    pthread_mutex_lock(&book->lock);
    book->times[i]++;
    book->inside++;
    book->most = book->inside > book->most ? book->inside : book->most;
    pthread_cond_broadcast(&book->all_here);
    while (book->most < book->wanted)
        pthread_cond_wait(&book->all_here, &book->lock);
    book->inside--;
    pthread_mutex_unlock(&book->lock);
    return book->wrong && i >= WRONG ? -(int)i : 0;
}

static struct book *new_book(uint32_t wanted, bool wrong)
{
    struct book *book = calloc(1, sizeof *book);
    ck_assert_ptr_nonnull(book);
    book->wanted = wanted;
    book->wrong = wrong;
    pthread_mutex_init(&book->lock, NULL);
    pthread_cond_init(&book->all_here, NULL);
    return book;
}

static void finish(struct book *book)
{
    pthread_mutex_destroy(&book->lock);
    pthread_cond_destroy(&book->all_here);
    free(book);
}

static const uint32_t threads[] = {1, 2, 5, NN_CREW_MAX};

START_TEST(each_job_once)
{
    struct book *book = new_book(threads[_i], false);
    ck_assert_int_eq(nn_crew_run(threads[_i], JOBS, job, book), 0);
    for (uint32_t i = 0; i < JOBS; i++)
        ck_assert_uint_eq(book->times[i], 1);
    ck_assert_uint_eq(book->most, threads[_i]);
    finish(book);
}
END_TEST

START_TEST(none_after_an_error)
{
    struct book *book = new_book(threads[_i], true);
    int error = nn_crew_run(threads[_i], JOBS, job, book);
    ck_assert_int_le(error, -WRONG);
    ck_assert_int_gt(error, -WRONG - (int)threads[_i]);
    for (uint32_t i = 0; i < JOBS; i++)
        ck_assert_uint_le(book->times[i], i <= WRONG || i < WRONG + threads[_i] ? 1 : 0);
    finish(book);
}
END_TEST

START_TEST(no_job_is_no_error)
{
    ck_assert_int_eq(nn_crew_run(4, 0, job, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crew");
    TCase *tcase = tcase_create("crew");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, each_job_once, 0, 4);
    tcase_add_loop_test(tcase, none_after_an_error, 0, 4);
    tcase_add_test(tcase, no_job_is_no_error);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
