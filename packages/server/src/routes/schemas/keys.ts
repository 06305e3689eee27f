import { keyScopes } from '@lmapp/core/keys'
import type { ApiKey, CreatedKey } from 'lmapp-client'
import { closed, described, listOf, orNull, text, time, words } from './shape.ts'

const fields = {
  id: text,
  name: text,
  beginning: described('The first characters of its secret.', text),
  scopes: listOf(words(...keyScopes)),
  createdAt: time,
  lastUsedAt: orNull(time),
  revokedAt: described('null: it is in use.', orNull(time)),
}

export const keySchema = closed<ApiKey>(fields, {})
export const createdKeySchema = closed<CreatedKey>({ ...fields, secret: described('Told only here.', text) }, {})
