#include "kk_level_tree.h"

#include "kk_assert.h"

/* An AVL tree of 2^32 nodes is less than 1.45 * 32 deep. */
#define DEPTH_MAX 48u

static uint32_t height_of(const kk_level *levels, uint32_t node) {
    return node == KK_NONE ? 0 : levels[node].height;
}

static void measure(kk_level *levels, uint32_t node) {
    uint32_t left = height_of(levels, levels[node].left);
    uint32_t right = height_of(levels, levels[node].right);
    levels[node].height = 1 + (left > right ? left : right);
}

/* The left child comes up in place of the node at `link`. */
static void rotate_right(kk_level *levels, uint32_t *link) {
    uint32_t node = *link;
    uint32_t up = levels[node].left;
    levels[node].left = levels[up].right;
    levels[up].right = node;
    measure(levels, node);
    measure(levels, up);
    *link = up;
}

static void rotate_left(kk_level *levels, uint32_t *link) {
    uint32_t node = *link;
    uint32_t up = levels[node].right;
    levels[node].right = levels[up].left;
    levels[up].left = node;
    measure(levels, node);
    measure(levels, up);
    *link = up;
}

/* Restores the balance of the node at `link`, whose subtrees differ by 2 at most. */
static void rebalance(kk_level *levels, uint32_t *link) {
    kk_level *node = &levels[*link];
    uint32_t left = height_of(levels, node->left);
    uint32_t right = height_of(levels, node->right);
    if (left > right + 1) {
        const kk_level *child = &levels[node->left];
        if (height_of(levels, child->left) < height_of(levels, child->right)) {
            rotate_left(levels, &node->left);
        }
        rotate_right(levels, link);
    } else if (right > left + 1) {
        const kk_level *child = &levels[node->right];
        if (height_of(levels, child->right) < height_of(levels, child->left)) {
            rotate_right(levels, &node->right);
        }
        rotate_left(levels, link);
    } else {
        measure(levels, *link);
    }
}

/* Rebalances from the deepest of `links` up, as far as heights change. */
static void rebalance_path(kk_level *levels, uint32_t *const *links, uint32_t depth) {
    while (depth > 0) {
        uint32_t *link = links[--depth];
        uint32_t before = levels[*link].height;
        rebalance(levels, link);
        if (levels[*link].height == before) {
            return;
        }
    }
}

uint32_t kk_level_tree_insert(kk_level *levels, uint32_t *root, uint32_t level) {
    uint32_t *links[DEPTH_MAX];
    uint32_t depth = 0;
    uint32_t better = KK_NONE;
    uint32_t *link = root;
    while (*link != KK_NONE) {
        kk_assert(depth < DEPTH_MAX && levels[level].key != levels[*link].key);
        links[depth++] = link;
        if (levels[level].key < levels[*link].key) {
            link = &levels[*link].left;
        } else {
            better = *link;
            link = &levels[*link].right;
        }
    }
    *link = level;
    levels[level].left = KK_NONE;
    levels[level].right = KK_NONE;
    levels[level].height = 1;
    rebalance_path(levels, links, depth);
    return better;
}

/*
 * The node at `link` has two children: the next in order comes up in its place.  Extends the
 * path down to where that one was taken from; returns the new depth.
 */
static uint32_t replace_by_next(kk_level *levels, uint32_t **links, uint32_t depth) {
    uint32_t *place = links[depth - 1];
    kk_level *node = &levels[*place];
    uint32_t first = depth;
    uint32_t *link = &node->right;
    while (levels[*link].left != KK_NONE) {
        kk_assert(depth < DEPTH_MAX);
        links[depth++] = link;
        link = &levels[*link].left;
    }
    uint32_t next = *link;
    *link = levels[next].right;
    levels[next].left = node->left;
    levels[next].right = node->right;
    levels[next].height = node->height;
    *place = next;
    if (depth > first) {
        links[first] = &levels[next].right;
    }
    return depth;
}

void kk_level_tree_remove(kk_level *levels, uint32_t *root, uint32_t level) {
    uint32_t *links[DEPTH_MAX];
    uint32_t depth = 0;
    uint32_t *link = root;
    while (*link != level) {
        kk_assert(*link != KK_NONE && depth < DEPTH_MAX - 1);
        links[depth++] = link;
        link = levels[level].key < levels[*link].key ? &levels[*link].left : &levels[*link].right;
    }
    const kk_level *node = &levels[level];
    if (node->left != KK_NONE && node->right != KK_NONE) {
        links[depth++] = link;
        depth = replace_by_next(levels, links, depth);
    } else {
        *link = node->left != KK_NONE ? node->left : node->right;
    }
    rebalance_path(levels, links, depth);
}

void kk_level_tree_check(const kk_level *levels, uint32_t root, uint32_t level) {
    uint32_t node = root;
    for (uint32_t depth = 0; node != level; depth++) {
        kk_assert(node != KK_NONE && depth < DEPTH_MAX);
        node = levels[level].key < levels[node].key ? levels[node].left : levels[node].right;
    }
    uint32_t left = height_of(levels, levels[node].left);
    uint32_t right = height_of(levels, levels[node].right);
    kk_assert(levels[node].height == 1 + (left > right ? left : right));
    kk_assert(left <= right + 1 && right <= left + 1);
}
