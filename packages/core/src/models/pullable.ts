import { LmappError } from 'lmapp-kit'
import { nearestNames } from '../text/nearest.ts'
import type { CatalogueEntry } from './models.ts'
import { parseSource } from './sources.ts'

export interface PullableOptions {
  catalogue: readonly Pick<CatalogueEntry, 'name'>[]
  /** As in the reference; `own`: the engine fetches its models itself, else it runs the files of lmapp's library. */
  backends: readonly { id: string; fetches: 'own' | 'library' }[]
}

/**
 * What a program that asks through the API may have fetched, as `pull` reads a reference: a name of the catalogue,
 * `hf:owner/repo[:quant]` or a file of that repository, either with a backend that runs such files in front, and of a
 * backend that fetches models itself `backend/[namespace/]name[:tag]` or `backend/hf.co/owner/repo[:quant]`. Nothing
 * that names a server, a path or a Python package.
 * Throws `forbidden`; `model-not-found` for a plain name that the catalogue does not have; `bad-input` for a
 * malformed `hf:`.
 */
export function assertPullable(reference: string, { catalogue, backends }: PullableOptions): void {
  if (reference.length > mostCharacters || hasTricks(reference)) throw toForbidden(reference)
  const backend = backends.find(({ id }) => reference.startsWith(`${id}/`))
  const name = backend ? reference.slice(backend.id.length + 1) : reference
  if (backend?.fetches === 'own') {
    if (isEngineName(name)) return
    throw toForbidden(reference)
  }
  if (isLibraryName(name, catalogue)) return
  throw isWord(name) ? toUnknown(name, catalogue) : toForbidden(reference)
}

const mostCharacters = 512

const hasTricks = (reference: string): boolean => reference.includes('..') || /[\p{C}\p{Z}\\]/u.test(reference)

function isLibraryName(name: string, catalogue: PullableOptions['catalogue']): boolean {
  return catalogue.some((entry) => entry.name === name) || parseSource(name)?.kind === 'hf'
}

const isWord = (name: string): boolean => /^\w[\w.-]*$/.test(name)

/** A namespace has no dot, so that no host can stand for one. */
function isEngineName(name: string): boolean {
  return /^(?:\w[\w-]*\/|hf\.co\/\w[\w.-]*\/)?\w[\w.-]*(?::\w[\w.-]*)?$/.test(name)
}

function toForbidden(reference: string): LmappError {
  const shown = reference.length > mostShown ? `${reference.slice(0, mostShown)}…` : reference
  return new LmappError('forbidden', `A program may not have ${JSON.stringify(shown)} fetched.`, {
    hint: 'Allowed are names of the catalogue, hf:OWNER/REPOSITORY and BACKEND/NAME of a backend that fetches models; the owner fetches anything: lmapp models pull NAME',
    details: { name: shown },
  })
}

const mostShown = 80

function toUnknown(name: string, catalogue: PullableOptions['catalogue']): LmappError {
  const known = catalogue.map((entry) => entry.name)
  const nearest = nearestNames(name, known, 3)
  return new LmappError('model-not-found', `The catalogue has no "${name}". The nearest: ${nearest.join(', ')}.`, {
    hint: 'From Hugging Face: hf:OWNER/REPOSITORY; from a backend that fetches models: BACKEND/NAME',
    details: { name, known: nearest },
  })
}
