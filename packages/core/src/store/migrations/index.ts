import { history } from './001-history.ts'
import { search } from './002-search.ts'
import { order } from './003-order.ts'
import { keys } from './004-keys.ts'
import type { Migration } from './migration.ts'

export type { Migration } from './migration.ts'

export const migrations: readonly Migration[] = [history, search, order, keys]
