import { isAbsolute, normalize, win32 } from 'node:path'
import { LmappError, pluginNamePattern } from 'lmapp-kit'
import { isFields } from '../json/fields.ts'

/** What `lmapp backends install` wrote down of a plugin: `<installed>/<name>/install.json`. */
export interface InstallationRecord {
  /** Of this file's shape. */
  format: 1
  /** The manifest's. */
  name: string
  version: string
  source: InstallationSource
  /** Lower-case hex: of the archive that was fetched, of a folder the hash over its files. */
  sha256: string
  /** Folder of the manifest, relative to the record's own, with slashes. */
  directory: string
  /** What stands for a bare program name in the manifest's command, relative to the record: `python` of a virtual environment. */
  programs?: Record<string, string>
  /** ISO 8601. */
  installedAt: string
}

export interface InstallationSource {
  kind: 'folder' | 'tarball' | 'npm' | 'pypi'
  /** Where it came from, and where an update comes from: a full path, or a package's name. */
  from: string
  /** The name in `registry.json` by which it was asked for. */
  known?: string
}

export const installationFileName = 'install.json'

/** For people, and for `lmapp backends install`: `npm:NAME`, `pypi:NAME` or the path. */
export function describeSource({ kind, from }: InstallationSource): string {
  return kind === 'npm' || kind === 'pypi' ? `${kind}:${from}` : from
}

/** Reads `install.json`. Nothing in it may lead out of the record's folder. Throws `config-invalid` that names `file`. */
export function parseInstallation(text: string, file: string): InstallationRecord {
  const record = parseObject(text, file)
  if (record.format !== 1) throw invalid(file, '"format" must be 1')
  const known: InstallationRecord = {
    format: 1,
    name: readText(record, 'name', file, pluginNamePattern),
    version: readText(record, 'version', file),
    source: readSource(record.source, file),
    sha256: readText(record, 'sha256', file, /^[0-9a-f]{64}$/),
    directory: readInside(record, 'directory', file),
    installedAt: readText(record, 'installedAt', file),
  }
  if (record.programs === undefined) return known
  const programs = readObject(record.programs, '"programs"', file)
  const paths = Object.keys(programs).map((name) => [name, readInside(programs, name, file)])
  return { ...known, programs: Object.fromEntries(paths) }
}

const kinds: readonly InstallationSource['kind'][] = ['folder', 'tarball', 'npm', 'pypi']

function readSource(value: unknown, file: string): InstallationSource {
  const source = readObject(value, '"source"', file)
  const kind = kinds.find((one) => one === source.kind)
  if (!kind) throw invalid(file, `"kind" of the source must be one of ${kinds.join(', ')}`)
  const from = readText(source, 'from', file)
  return source.known === undefined ? { kind, from } : { kind, from, known: readText(source, 'known', file) }
}

function readText(source: Record<string, unknown>, key: string, file: string, pattern = /./s): string {
  const value = source[key]
  if (typeof value === 'string' && pattern.test(value) && !value.includes('\0')) return value
  throw invalid(file, `"${key}" is wrong or absent`)
}

function readInside(source: Record<string, unknown>, key: string, file: string): string {
  const path = readText(source, key, file)
  if (isInside(path)) return path
  throw invalid(file, `"${key}" leads out of its folder`)
}

function isInside(path: string): boolean {
  if (isAbsolute(path) || win32.isAbsolute(path) || /^[a-z]:/i.test(path)) return false
  return normalize(path).split(/[/\\]/)[0] !== '..'
}

function parseObject(text: string, file: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(file, 'it is no JSON', cause)
  }
  return readObject(value, 'it', file)
}

function readObject(value: unknown, what: string, file: string): Record<string, unknown> {
  if (isFields(value)) return value
  throw invalid(file, `${what} is no object`)
}

function invalid(file: string, problem: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `${file} is no record of an installation: ${problem}.`, {
    hint: 'Install the plugin anew: lmapp backends install',
    details: { file },
    cause,
  })
}
