import type { FileValue } from '../protocol/messages.ts'
import { isObject } from './transcript.ts'

/** What stands for something that only the player knows. */
export interface Filling {
  dataDir: string
  exchangeDir: string
  nonce: string
  /** By the name in `{ $file: name }`. */
  files: ReadonlyMap<string, FileValue>
}

/** A value of a transcript with its placeholders filled in. */
export function fillIn(value: unknown, filling: Filling): unknown {
  if (typeof value === 'string') return fillInText(value, filling)
  if (Array.isArray(value)) return value.map((item) => fillIn(item, filling))
  if (!isObject(value)) return value
  const file = typeof value.$file === 'string' ? filling.files.get(value.$file) : undefined
  return file ?? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillIn(item, filling)]))
}

function fillInText(text: string, { dataDir, exchangeDir, nonce }: Filling): string {
  return text
    .replaceAll('<dataDir>', () => dataDir)
    .replaceAll('<exchangeDir>', () => exchangeDir)
    .replaceAll('<nonce>', () => nonce)
}
