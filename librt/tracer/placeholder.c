/* SPDX-License-Identifier: BSD-3-Clause */
extern int exrt__placeholder;
int exrt__placeholder;
