// GRDB imports the whole of Foundation, and with it ICU's tables of all languages: 34 MB of a static binary. Nothing that
// Everyline does needs them. This is ICU's own answer for such programs (its stubdata.cpp): a table of contents with no
// entries. It takes the place of the tables, because an object file goes before an archive's member of that name; whatever
// asks ICU for a language's data is told that there is none. A debug build takes it too, so that all tests run without them.
//
// The symbol has ICU's version in its name. With another toolchain it may be a different one: the tables are back then, and
// scripts/package says that the package is too large.

#include <stdint.h>

struct ContentsHeader {
  uint16_t headerSize;
  uint8_t magic1, magic2;
  uint16_t infoSize, reserved;
  uint8_t isBigEndian, charsetFamily, sizeofUChar, reserved2;
  uint8_t dataFormat[4], formatVersion[4], dataVersion[4];
  char padding[8];
  uint32_t count, reserved3;
  uint64_t entries[2];
};

__attribute__((visibility("default"), used, aligned(16))) const struct ContentsHeader icudt76_dat = {
    .headerSize = 32,
    .magic1 = 0xda,
    .magic2 = 0x27,
    .infoSize = 20,
    .isBigEndian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
    .sizeofUChar = 2,
    .dataFormat = {'T', 'o', 'C', 'P'},
    .formatVersion = {1, 0, 0, 0},
};
