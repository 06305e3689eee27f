import type { DiskModel, DiskModels, KnownModel } from '@lmapp/core/models'
import type { Capabilities } from 'lmapp-kit'

/** What a model file tells of itself. */
export type FileFacts = Omit<KnownModel, 'id'> & { path: string }

/** Undefined for what is no model that could answer, or one part of several. */
export async function describeFile(path: string, disk: DiskModels): Promise<FileFacts | undefined> {
  const file = await disk.read(path)
  return file && isModel(file) ? { ...toFacts(file), path } : undefined
}

function isModel({ header }: Pick<DiskModel, 'header'>): boolean {
  return header.parts === 1 && (header.kind === 'text' || header.kind === 'encoder')
}

/** As far as its header tells. */
export function toFacts({
  header,
  sizeBytes,
  modifiedAt,
}: Pick<DiskModel, 'header' | 'sizeBytes' | 'modifiedAt'>): Omit<FileFacts, 'path'> {
  const { quantization, parameters, contextLength, architecture, license, memory } = header
  return {
    sizeBytes,
    modifiedAt,
    parameters,
    family: architecture,
    memory,
    capabilities: toCapabilities(header),
    ...(license !== undefined && { license }),
    ...(quantization !== undefined && { quantization }),
    ...(contextLength !== undefined && { contextLength }),
  }
}

/** What the plugin will say of it, as far as the file tells. */
function toCapabilities({ kind, thinks }: DiskModel['header']): Capabilities {
  const chat = kind === 'text' ? 'yes' : 'no'
  return { chat, continue: chat, 'json-schema': chat, reasoning: thinks ? 'yes' : 'no', tools: 'no', vision: 'no' }
}
