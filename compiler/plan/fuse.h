/* fuse.h: what the files of fusion share. Not for other files.
**
** A CLUSTER is a kernel to be: an anchor, maps over one shape, or both. A node is in one cluster, or it is free: recomputed wherever it
** is read (views, constants, and maps of a few simple operations on one loaded operand). Clusters grow by merging; a merge is legal
** if no third cluster must run between the two, and if what the one makes is read by the other element by element. */
#ifndef NNC_FUSE_H
#define NNC_FUSE_H
#include "planner.h"

typedef struct Cluster {
    int id;
    int into;           /* merged into this one; -1: itself */
    PlanKind kind;
    const Node *anchor; /* or the whole that parts make up */
    bool mixed;         /* has maps of other shapes, or at other places */
    bool sums_only;     /* maps that only sums and maxima need */
    bool update;        /* a product with the update that its result, a gradient, is for */
    bool join;          /* a concat or widened value: has no kernel where its parts are written in place */
    const Type *space;  /* shape of its stores; of PLAN_ROWS: of the rows */
    const Type *full;   /* PLAN_ROWS: what its anchors fold */
    VEC(const Node *) anchors;
    VEC(const Node *) nodes; /* in walk order, with the anchor */
    VEC(int) before;    /* clusters it reads from (ids, perhaps merged) */
    int first, last;    /* numbers of its nodes in the walk */
    int seen;           /* of the last search that came by */
    int waits;          /* ordering: clusters that must still run */
    bool done;
} Cluster;
typedef struct NodeFacts {
    int number;          /* in the walk */
    int cluster;         /* -1: free */
    bool kept;           /* must be stored: a result, or a loop or a product walks along it */
    bool result;
    bool replaces;       /* a result that comes in a parameter's place */
    bool sums_only;      /* a map that nothing but sums and maxima needs, each element once */
    int cost;            /* simple operations from what it loads; COST_MANY: not free */
    const Node *leaf;    /* the one loaded operand; NULL: none */
    VEC(const Node *) users;
    struct FuseReads *reads; /* found once */
    VEC(int) readers;        /* clusters that read it, across free nodes (ids, perhaps merged) */
    VEC(GroupPart) parts;    /* wholes that it is stored into, by its own kernel */
    bool widens;             /* an affine of a widened value, which is put together of parts */
} NodeFacts;
enum { COST_FREE = 6, COST_MANY = 1000 };
typedef struct Fuse {
    Planner *p;
    const PlanBody *body;
    Arena *arena;
    NodeList nodes;
    NodeMap facts;
    VEC(Cluster *) clusters;
    int search;
    VEC(const Cluster *) todo; /* of a search */
} Fuse;
/* Something a node reads across free nodes. */
typedef struct FuseRead {
    const Node *node;   /* not free, or an arg */
    bool moved;         /* through a view that is not the identity, or by an anchor */
    bool repeated;      /* ... and that reads elements more than once */
    bool plain;         /* of the reader's own shape (of an anchor: its operand's), or through `via` alone */
    const Node *via;    /* the one broadcast (or placing put) between */
} FuseRead;
typedef struct FuseReads {
    int n, cap;
    FuseRead *v;
} FuseReads;

/* ---- fuse_facts.c */
void fuse_facts(Fuse *f);
NodeFacts *facts_of(const Fuse *f, const Node *node);
FuseReads reads_of_node(Fuse *f, const Node *node);
bool same_shape(const Type *a, const Type *b);

/* ---- fuse.c */
Cluster *cluster_of(const Fuse *f, const Node *node); /* NULL: free, or an arg */
Cluster *cluster_root(const Fuse *f, int id);
bool is_dear(const Node *node); /* a polynomial, a draw, a look-up: not to be computed twice */
/* Whether `later` (transitively) reads what `sooner` makes; direct false: not counting what it reads itself. */
bool cluster_reaches(Fuse *f, const Cluster *sooner, const Cluster *later, bool direct);
bool cluster_may_merge(Fuse *f, const Cluster *a, const Cluster *b);
void cluster_merge(Fuse *f, Cluster *into, Cluster *from);
/* Nodes of a cluster that others read, or that are results. */
bool is_read_outside(const Fuse *f, const Cluster *c, const Node *node);

void fuse_readers(Fuse *f); /* fills in `readers` of all nodes, as clusters are now */

/* ---- fuse_rows.c */
void fuse_rows(Fuse *f);

/* ---- fuse_update.c */
void fuse_updates(Fuse *f);

/* ---- fuse_order.c */
Groups fuse_order(Fuse *f);
#endif
