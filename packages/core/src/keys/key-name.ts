import { LmappError } from 'lmapp-kit'

/** Of a key's name, as a regular expression. */
export const keyNamePattern = '^[a-z0-9][a-z0-9-]{0,63}$'

const form = new RegExp(keyNamePattern)

/** Throws `bad-input` that says how a name looks. */
export function assertKeyName(name: string): void {
  if (form.test(name)) return
  throw new LmappError('bad-input', `"${name.slice(0, 80)}" cannot be the name of a key.`, {
    hint: 'Use up to 64 of a-z, 0-9 and -, the first no dash, as: my-editor',
    details: { field: 'name' },
  })
}
