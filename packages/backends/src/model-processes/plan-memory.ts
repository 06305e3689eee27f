import { LmappError } from 'lmapp-kit'
import { estimateMemory, largestContext, type MemoryFields } from 'lmapp-kit/gguf'

/** What a model shall run with. */
export interface MemoryDemand {
  /** For people. */
  model: string
  sizeBytes: number
  /** What the file says of itself. Without it a fifth of its size is taken for the context, however long that is. */
  memory?: MemoryFields
  /** Of each chat, in tokens. */
  contextLength: number
  /** A shorter context is of no use. Else it is as long as the memory allows. */
  exactly?: boolean
  /** Chats side by side, where there is room for them; else one. */
  slots: number
}

export interface MemoryPlan {
  /** Of each chat, in tokens. */
  contextLength: number
  slots: number
  /** The file: it is mapped, so that the system counts it as free memory. */
  weightsBytes: number
  contextBytes: number
}

/** Context without which a chat makes no sense, in tokens. */
const leastContext = 2048
/** Less is no help to anybody. */
const leastUsefulContext = 512
const unknownContextShare = 0.2

/** The best that fits: more chats with the whole context, then one, then less context. Undefined where nothing does. */
export function planMemory(demand: MemoryDemand, availableBytes: number): MemoryPlan | undefined {
  for (let slots = demand.slots; slots >= 1; slots -= 1) {
    const plan = toPlan(demand, demand.contextLength, slots)
    if (bytesOf(plan) <= availableBytes) return plan
  }
  if (demand.exactly) return undefined
  const longest = largestContext(toFields(demand), availableBytes) ?? 0
  if (longest < Math.min(leastContext, demand.contextLength)) return undefined
  return toPlan(demand, longest, 1)
}

export function bytesOf({ weightsBytes, contextBytes }: MemoryPlan): number {
  return weightsBytes + contextBytes
}

function toPlan(demand: MemoryDemand, contextLength: number, slots: number): MemoryPlan {
  const estimate = estimateMemory({ ...toFields(demand), contextLength, sequences: slots })
  return {
    contextLength,
    slots,
    weightsBytes: estimate?.weightsBytes ?? demand.sizeBytes,
    contextBytes: estimate?.contextBytes ?? Math.ceil(demand.sizeBytes * unknownContextShare),
  }
}

function toFields({ memory, sizeBytes }: MemoryDemand): MemoryFields {
  return { ...memory, sizeBytes }
}

/** With the numbers: what the file needs, what its context needs, what there is. */
export function tooLarge(demand: MemoryDemand, availableBytes: number): LmappError {
  const least = Math.min(leastContext, demand.contextLength)
  const plan = toPlan(demand, demand.exactly ? demand.contextLength : least, 1)
  const { contextLength, weightsBytes, contextBytes } = plan
  const fits = largestContext(toFields(demand), availableBytes) ?? 0
  const parts = `${toMebibytes(weightsBytes)} for the file, ${toMebibytes(contextBytes)} for a context of ${contextLength} tokens`
  const free = `${toMebibytes(Math.max(0, availableBytes))} are free`
  return new LmappError(
    'model-too-large',
    `"${demand.model}" needs ${toMebibytes(bytesOf(plan))} of memory, ${free}: ${parts}.`,
    {
      hint:
        fits >= leastUsefulContext && fits < contextLength
          ? `A context of ${fits} tokens fits: -o num_ctx=${fits}`
          : 'Free some memory, or choose a smaller model: lmapp models list',
      details: {
        model: demand.model,
        fileBytes: weightsBytes,
        contextLength,
        contextBytes,
        neededBytes: bytesOf(plan),
        availableBytes,
        largestContextLength: fits,
      },
    },
  )
}

function toMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2).toLocaleString('en')} MiB`
}
