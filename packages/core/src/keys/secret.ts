import { hash, randomBytes } from 'node:crypto'

/** So that programs that look for leaked secrets find it. */
const prefix = 'lmapp_'
/** So many characters behind the prefix are shown: 24 of the 256 bits. */
const shownCharacters = 4
/** The prefix, and 32 bytes as base64url. */
const form = /^lmapp_[A-Za-z0-9_-]{43}$/

export function createSecret(): string {
  return prefix + randomBytes(32).toString('base64url')
}

/** By which people recognise it. */
export function beginningOf(secret: string): string {
  return secret.slice(0, prefix.length + shownCharacters)
}

export function isSecret(text: string): boolean {
  return form.test(text)
}

/**
 * What is kept of a secret. A slow hash would protect what people choose, from guessing; 256 random bits cannot be
 * guessed, so that a fast one does, and costs a request a few microseconds.
 */
export function digest(secret: string): string {
  return hash('sha256', secret, 'hex')
}
