import { SchemaError } from './schema-error.ts'

/** Parts of a document by their JSON pointer, as `#/$defs/address`. */
export interface References {
  /** Throws a `SchemaError` for what lies outside of the document, or nowhere. */
  resolve(reference: string, path: string): unknown
}

export function createReferences(document: unknown): References {
  return {
    resolve(reference, path) {
      const shown = reference.slice(0, 100)
      if (reference !== '#' && !reference.startsWith('#/')) {
        throw new SchemaError(path, `"${shown}" lies outside of the schema; only "#/…" can be followed`)
      }
      let found = document
      for (const step of reference.split('/').slice(1).map(decodeStep)) {
        if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) {
          throw new SchemaError(path, `"${shown}" is not in the schema`)
        }
        found = (found as Record<string, unknown>)[step]
      }
      return found
    },
  }
}

function decodeStep(step: string): string {
  let plain = step
  try {
    plain = decodeURIComponent(step)
  } catch {
    // A lone percent sign stands for itself.
  }
  return plain.replaceAll('~1', '/').replaceAll('~0', '~')
}
