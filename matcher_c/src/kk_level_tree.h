/*
 * The tree of one side's levels, by key: AVL, so no sequence of prices makes it deep.
 *
 * Links are indexes in the level array; the tree allocates nothing.
 */
#ifndef KK_LEVEL_TREE_H
#define KK_LEVEL_TREE_H

#include "kk_levels.h"

/* Adds a level with a new key; returns the next better level, or KK_NONE. */
uint32_t kk_level_tree_insert(kk_level *levels, uint32_t *root, uint32_t level);
void kk_level_tree_remove(kk_level *levels, uint32_t *root, uint32_t level);
/* Asserts that `level` is found from the root, along balanced nodes in order (tests). */
void kk_level_tree_check(const kk_level *levels, uint32_t root, uint32_t level);

#endif
