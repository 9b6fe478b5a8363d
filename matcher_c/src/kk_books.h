/* What the books hold, for the modules that act on them: kk_book.c and kk_match.c. */
#ifndef KK_BOOKS_H
#define KK_BOOKS_H

#include "kk_book.h"
#include "kk_levels.h"

struct kk_books {
    kk_order *orders;
    kk_levels levels;
};

#endif
