import { LmappError } from 'lmapp-kit'
import { createId } from '../store/ids.ts'
import type { Id, NewKey, Store, StoredKey } from '../store/store.ts'
import { isNear, nearestNames } from '../text/nearest.ts'
import { assertKeyName } from './key-name.ts'
import { isKeyScope, type KeyScope, keyScopes } from './scopes.ts'
import { beginningOf, createSecret, digest, isSecret } from './secret.ts'

/** Whose secret it is that was shown; what it owns belongs to `key:<id>`. */
export interface KeyIdentity {
  readonly id: Id
  readonly name: string
  readonly scopes: readonly KeyScope[]
}

/** What may be told of a key. */
export interface KeyInfo {
  id: Id
  name: string
  /** The first characters of its secret. */
  beginning: string
  scopes: KeyScope[]
  /** ISO 8601, UTC, as the other times. */
  createdAt: string
  lastUsedAt: string | null
  /** Null: it is in use. */
  revokedAt: string | null
}

export interface Keys {
  /** Whose secret this is; undefined for what is none, and for that of a revoked key. Quick, for every request. */
  find(secret: string): KeyIdentity | undefined
  /** The secret is in what this resolves to, and nowhere else. Throws `bad-input` for the name or the scopes. */
  create(request: { name: string; scopes?: readonly KeyScope[] }): Promise<KeyInfo & { secret: string }>
  /** In the order in which they were created, revoked ones too. */
  list(): Promise<KeyInfo[]>
  /**
   * From this call on it is not found. Where that cannot be written it throws, and may be called again: the next
   * service would let the key in. Throws `not-found` with the nearest name.
   */
  revoke(name: string): Promise<KeyInfo>
  /** Called with every request of a key; nobody waits for it, and it never fails. */
  noteUse(id: Id): void
}

export interface KeysOptions {
  store: Pick<Store, 'addKey' | 'listKeys' | 'revokeKey' | 'noteKeyUse'>
  now?: () => Date
}

const defaultScopes: readonly KeyScope[] = ['chat']
/** Uses within this time of the last one that was written are not written. */
const useIntervalMs = 60_000

/** A key in use. */
interface Living {
  identity: KeyIdentity
  sha256: string
  lastUsedAt: string | null
  writtenMs?: number
}

/** Reads the keys; there is one of these for a store, since what it read counts from then on. */
export async function createKeys({ store, now = () => new Date() }: KeysOptions): Promise<Keys> {
  const living = new Map<Id, Living>()
  // Looking a hash up may take longer for one than for another: whoever measures that learns of hashes, not of secrets.
  const byHash = new Map<string, Living>()
  const admit = (key: Omit<StoredKey, 'revokedAt'>) => {
    const { sha256, lastUsedAt } = key
    const known = { identity: toIdentity(key), sha256, lastUsedAt }
    living.set(key.id, known)
    byHash.set(sha256, known)
  }
  for (const key of await store.listKeys()) if (key.revokedAt === null) admit(key)

  const tell = (key: StoredKey): KeyInfo => toInfo(key, living.get(key.id)?.lastUsedAt ?? key.lastUsedAt)

  return {
    find: (secret) => (isSecret(secret) ? byHash.get(digest(secret))?.identity : undefined),
    async create({ name, scopes = defaultScopes }) {
      assertKeyName(name)
      const secret = createSecret()
      const key = toNewKey(name, secret, assertScopes(scopes), now())
      await store.addKey(key)
      const stored = { ...key, lastUsedAt: null, revokedAt: null }
      admit(stored)
      return { ...tell(stored), secret }
    },
    list: async () => (await store.listKeys()).map(tell),
    async revoke(name) {
      const key = [...living.values()].find(({ identity }) => identity.name === name)
      if (!key) throw notInUse(name, await store.listKeys())
      const { id } = key.identity
      byHash.delete(key.sha256)
      const info = tell(await store.revokeKey(id, now().toISOString()))
      living.delete(id)
      return info
    },
    noteUse(id) {
      const key = living.get(id)
      if (!key) return
      const time = now()
      key.lastUsedAt = time.toISOString()
      if (key.writtenMs !== undefined && Math.abs(time.getTime() - key.writtenMs) < useIntervalMs) return
      key.writtenMs = time.getTime()
      // A time that is lost harms nobody, and what is wrong with the store is told to those who need it.
      store.noteKeyUse(id, key.lastUsedAt).catch(() => {})
    },
  }
}

function toNewKey(name: string, secret: string, scopes: KeyScope[], now: Date): NewKey {
  return {
    id: createId(now),
    name,
    sha256: digest(secret),
    beginning: beginningOf(secret),
    scopes,
    createdAt: now.toISOString(),
  }
}

/** Each once, in the order of all. */
function assertScopes(scopes: readonly KeyScope[]): KeyScope[] {
  if (scopes.length > 0) return keyScopes.filter((scope) => scopes.includes(scope))
  throw new LmappError('bad-input', 'A key without a scope could do nothing.', {
    hint: `Give it some of: ${keyScopes.join(', ')}`,
    details: { field: 'scopes' },
  })
}

function toIdentity({ id, name, scopes }: NewKey): KeyIdentity {
  return { id, name, scopes: scopes.filter(isKeyScope) }
}

function toInfo({ sha256: _, ...key }: StoredKey, lastUsedAt: string | null): KeyInfo {
  return { ...key, scopes: key.scopes.filter(isKeyScope), lastUsedAt }
}

function notInUse(name: string, keys: readonly StoredKey[]): LmappError {
  const shown = name.slice(0, 80)
  const nearest = nearestNames(
    shown,
    keys.filter(({ revokedAt }) => revokedAt === null).map((key) => key.name),
    3,
  )
  const [first] = nearest
  const isRevoked = keys.some((key) => key.name === name)
  const isMeant = !isRevoked && first !== undefined && isNear(shown, first)
  return new LmappError(
    'not-found',
    isRevoked ? `The key "${shown}" is revoked already.` : `No key is called "${shown}".`,
    {
      hint: isMeant ? `Did you mean "${first}"? See: lmapp keys list` : 'See: lmapp keys list',
      details: { name: shown, nearest },
    },
  )
}
