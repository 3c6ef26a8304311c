/* SPDX-License-Identifier: ISC */
/* Proves siphash: the authors' vectors, for every length of the last word. */
#include "common/siphash.h"

#include "test/suite.h"

/* Of the input 00 01 02 ... under the key 00 01 ... 0f; 15 bytes is the paper's (appendix A). */
static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{0, UINT64_C(0x726fdb47dd0e0e31)},
	{1, UINT64_C(0x74f839c593dc67fd)},
	{2, UINT64_C(0x0d6c8009d9a94f5a)},
	{3, UINT64_C(0x85676696d7fb7e2d)},
	{4, UINT64_C(0xcf2794e0277187b7)},
	{5, UINT64_C(0x18765564cd99a68d)},
	{6, UINT64_C(0xcbc9466e58fee3ce)},
	{7, UINT64_C(0xab0200f58b01d137)},
	{8, UINT64_C(0x93f5f5799a932462)},
	{9, UINT64_C(0x9e0082df0ba9e4b0)},
	{15, UINT64_C(0xa129ca6149be45e5)},
	{63, UINT64_C(0x958a324ceb064572)},
};

TEST_ROWS(the_hash_is_that_of_the_authors, SUITE_COUNT(vectors))
{
	unsigned char key[SIPHASH_KEY_BYTES];
	unsigned char data[64];

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)i;
	ck_assert_uint_eq(siphash(key, data, vectors[_i].len), vectors[_i].hash);
}
