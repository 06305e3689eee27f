import { readFile } from 'node:fs/promises'
import { type PluginRegistry, parseRegistry } from '@lmapp/backends/plugins/install'
import { describePlace, fetchText, parseSourcePlace } from '@lmapp/core/models'
import { isLmappError, LmappError } from 'lmapp-kit'
import shipped from '../../../registry.json' with { type: 'json' }
import type { PluginSession } from './install-plugin-session.ts'

/** The list of known plugins: that of the configuration, or the one that lmapp brings. */
export async function readRegistry(session: PluginSession): Promise<PluginRegistry> {
  const { backends } = session.config.sources
  if (!backends) return parseRegistry(JSON.stringify(shipped), 'registry.json of lmapp')
  const place = parseSourcePlace(backends, 'sources.backends')
  if (place.kind === 'folder') return parseRegistry(await readList(place.path), place.path)
  if (session.offline) {
    throw new LmappError(
      'offline',
      `${describePlace(place)} lists the known plugins, and LMAPP_OFFLINE forbids asking it.`,
      {
        hint: 'Name the source itself, or a list on this machine: lmapp config set sources.backends /FILE',
      },
    )
  }
  return parseRegistry(await fetchList(place.url, session), place.url)
}

const longestBytes = 4 * 1024 * 1024
const stallMs = 30_000

async function readList(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new LmappError('path-unusable', `The list of plugins ${path} cannot be read (${code}).`, {
      hint: 'Correct it, or take the one that lmapp brings: lmapp config unset sources.backends',
      details: { path },
      cause,
    })
  }
}

async function fetchList(url: string, { context, signal }: PluginSession): Promise<string> {
  const { environment } = context
  try {
    return await fetchText(url, { environment, signal, stallMs, longestBytes })
  } catch (error) {
    throw isLmappError(error, 'download-failed') ? toUnreachable(url, error) : error
  }
}

function toUnreachable(url: string, cause: LmappError): LmappError {
  const from = describePlace({ kind: 'address', url })
  return new LmappError('download-failed', `The list of plugins cannot be had from ${from}. ${cause.message}`, {
    hint: 'Try again, or take the one that lmapp brings: lmapp config unset sources.backends',
    details: { url: from },
    cause,
  })
}
