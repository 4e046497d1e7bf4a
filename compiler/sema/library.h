/* library.h: the library's text, embedded by runtime/library/embed.sh. */
#ifndef NNC_LIBRARY_H
#define NNC_LIBRARY_H
typedef struct LibraryFile {
    const char *path, *text; /* "library/layers.nn" */
} LibraryFile;
extern const LibraryFile library_files[];
extern const int library_count;
#endif
