/**
 * Reports calls to other companies' APIs to an Integration Monitor: one file, no dependencies, Node.js 18 or later. Copy it into your project.
 *
 *     const monitor = new IntegrationLogger({ url: 'https://monitor.example.com', key: process.env.MONITOR_KEY })
 *     const answer = await monitor.fetch('https://api.resend.com/emails', { method: 'POST', … })   // recorded, otherwise as fetch
 *     monitor.log({ service_name: 'billing', action: 'charge_card', status: 'failed', error_code: 'CARD_EXPIRED' })
 *     await monitor.close()   // before process.exit(), and in your handler of SIGTERM
 *
 * It is a guest: nothing here throws into the application, waits for the network on its path, or grows without bound. What is lost is counted:
 * `stats()` always adds up to taken = written + ignored + refused + dropped + waiting.
 */

import { randomBytes } from 'node:crypto'

export type Status = 'success' | 'failed' | 'pending' | 'retrying'

/** One record: a row of `public.integration_logs`. */
export interface IntegrationLog {
  /** a UUIDv7 is made where none is given; a record with the same id is stored once, however often it is sent */
  id?: string
  /** such as `amocrm` */
  service_name: string
  /** such as `send_email`; without identifiers */
  action: string
  status: Status
  /** such as `lead` */
  related_entity_type?: string | null
  /** a UUID, or the service's own id */
  related_entity_id?: string | number | null
  request_payload?: unknown
  response_payload?: unknown
  error_message?: string | null
  error_code?: string | null
  duration_ms?: number | null
  retry_count?: number
  /** ISO 8601 with a time zone; by default now */
  created_at?: string
  updated_at?: string
}

/** What a call is about, where the service's URL and body do not tell. */
export interface About {
  entity?: { type: string; id: string | number }
  service_name?: string
  action?: string
}

export interface Options {
  /** the monitor's address */
  url: string
  /** an API key of scope ingest: `integration-monitor keys create NAME --scope ingest` */
  key: string
  /** records that wait; beyond it new ones are dropped. Default 10,000 */
  queueMax?: number
  /** bytes of JSON that wait. Default 16 MiB */
  queueBytesMax?: number
  /** records sent at once. Default 500 */
  batchMax?: number
  /** how long a record waits for others, in ms. Default 250 */
  intervalMs?: number
  /** kept of a body, in bytes. Default 64 KiB */
  bodyBytesMax?: number
  /** how long one request to the monitor may take, in ms. Default 10,000 */
  timeoutMs?: number
  /** how long an answer's body may stay unread before the call is recorded without it, in ms. Default 5,000 */
  unreadMs?: number
}

export interface Stats {
  taken: number
  written: number
  /** the monitor's settings want no record of it */
  ignored: number
  /** the monitor will never take it; `lastError` says why */
  refused: number
  dropped: number
  waiting: number
  /** errors of our own work, which the application never saw */
  internalErrors: number
  lastError: string | null
}

interface Entry {
  path: string
  line: string
  bytes: number
}

const RETRY_FIRST_MS = 250
const RETRY_MAX_MS = 30_000
/** A key that is refused may be put right, and nobody waits for it. */
const RETRY_REFUSED_MS = 30_000
/** Below the 16 MiB that the monitor takes. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** The calls whose answers are still being read. */
const OPEN_MAX = 1_000

/** What undici and Node.js call the ways in which no answer comes. */
const ERROR_CODES: Record<string, string> = {
  ENOTFOUND: 'DNS_FAILURE',
  EAI_AGAIN: 'DNS_FAILURE',
  ETIMEDOUT: 'TIMEOUT',
  UND_ERR_CONNECT_TIMEOUT: 'TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'TIMEOUT',
  AbortError: 'CANCELLED',
  TimeoutError: 'TIMEOUT',
}
/** In these cases nothing had been sent: repeating the call does no harm. */
const UNSENT = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT'])

export class IntegrationLogger {
  /** As the global `fetch`; the call is recorded. A third argument says what it is about. */
  readonly fetch: (input: RequestInfo | URL, init?: RequestInit, about?: About) => Promise<Response>
  #options: Required<Options>
  #send: typeof globalThis.fetch
  #queue: Entry[] = []
  #queueBytes = 0
  #open = new Set<() => void>()
  #counts = { taken: 0, written: 0, ignored: 0, refused: 0, dropped: 0, internalErrors: 0 }
  #sending: Promise<void> | null = null
  #inHand = 0
  #timer: ReturnType<typeof setTimeout> | null = null
  #notBefore = 0
  #failures = 0
  #batchMax: number
  #lastError: string | null = null
  #isClosed = false
  #stop: AbortController | null = null
  #beforeExit = (): void => {
    this.#endOpen()
    void this.flush()
  }
  #exit = (): void => this.#tellLost()

  constructor(options: Options) {
    this.#options = {
      queueMax: 10_000,
      queueBytesMax: 16 * 1024 * 1024,
      batchMax: 500,
      intervalMs: 250,
      bodyBytesMax: 64 * 1024,
      timeoutMs: 10_000,
      unreadMs: 5_000,
      ...options,
      url: String(options.url).replace(/\/+$/, ''),
    }
    this.#batchMax = this.#options.batchMax
    // The one that is there now: our own requests are not recorded, also where the global one is replaced by ours later.
    this.#send = globalThis.fetch.bind(globalThis)
    this.fetch = (input, init, about) => this.#fetch(input, init, about)
    // Once: what cannot be sent now is not waited for again and again.
    process.once('beforeExit', this.#beforeExit)
    process.on('exit', this.#exit)
  }

  /** Keeps one record; it is sent a little later. */
  log(record: IntegrationLog): void {
    this.#guarded(() => {
      const now = Date.now()
      const at = record.created_at ?? new Date(now).toISOString()
      const whole = { ...record, id: record.id ?? uuid7(Date.parse(at) || now), created_at: at, updated_at: record.updated_at ?? at }
      this.#keep('/api/ingest', whole)
    })
  }

  /** Sends what waits. False where something is still waiting after `timeoutMs`. */
  async flush(timeoutMs = 5_000): Promise<boolean> {
    const until = Date.now() + timeoutMs
    try {
      while (this.#waiting() > 0 && Date.now() < until) {
        const pause = Math.max(0, this.#notBefore - Date.now())
        if (Date.now() + pause > until) break
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
        await within(this.#push(), until - Date.now())
      }
    } catch {
      this.#counts.internalErrors += 1
    }
    return this.#waiting() === 0
  }

  /** Sends what waits and takes nothing more. False where something was lost, which is counted as dropped then. */
  async close(timeoutMs = 5_000): Promise<boolean> {
    this.#endOpen()
    const isClear = await this.flush(timeoutMs)
    this.#isClosed = true
    this.#stop?.abort()
    await this.#sending
    if (this.#timer !== null) clearTimeout(this.#timer)
    process.off('beforeExit', this.#beforeExit)
    process.off('exit', this.#exit)
    this.#counts.dropped += this.#queue.length
    this.#queue = []
    this.#queueBytes = 0
    return isClear
  }

  stats(): Stats {
    return { ...this.#counts, waiting: this.#waiting(), lastError: this.#lastError }
  }

  async #fetch(input: RequestInfo | URL, init?: RequestInit, about?: About): Promise<Response> {
    let call: Record<string, unknown> | null = null
    const began = performance.now()
    this.#guarded(() => {
      call = this.#describe(input, init, about)
    })
    let response: Response
    try {
      response = await this.#send(input, init)
    } catch (error) {
      if (call !== null) this.#fail(call, error, began)
      throw error
    }
    const noted = call
    if (noted !== null) this.#guarded(() => this.#watch(noted, response, began))
    return response
  }

  /** What is known of a call before it is sent. Nothing of its body is read that is not there as a whole. */
  #describe(input: RequestInfo | URL, init: RequestInit | undefined, about: About | undefined): Record<string, unknown> {
    const request = input instanceof Request ? input : null
    const now = Date.now()
    const call: Record<string, unknown> = {
      id: uuid7(now),
      started_at: new Date(now).toISOString(),
      method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
      url: request?.url ?? String(input),
      request_headers: [...new Headers(init?.headers ?? request?.headers)],
      ...about,
    }
    const body = init?.body
    if (typeof body === 'string' || body instanceof URLSearchParams) {
      this.#keepBody(call, 'request', Buffer.from(String(body)))
      if (body instanceof URLSearchParams && !new Headers(init?.headers).has('content-type')) {
        ;(call.request_headers as string[][]).push(['content-type', 'application/x-www-form-urlencoded;charset=UTF-8'])
      }
    } else if (body instanceof ArrayBuffer) {
      this.#keepBody(call, 'request', Buffer.from(body))
    } else if (ArrayBuffer.isView(body)) {
      this.#keepBody(call, 'request', Buffer.from(body.buffer, body.byteOffset, body.byteLength))
    }
    return call
  }

  #fail(call: Record<string, unknown>, error: unknown, began: number): void {
    this.#guarded(() => {
      const cause = (error as { cause?: { code?: string; message?: string } } | null)?.cause
      const name = cause?.code ?? (error as Error)?.name ?? ''
      const isTls = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(name)
      this.#keep('/api/ingest/calls', {
        ...call,
        duration_ms: performance.now() - began,
        error: [String(error), cause?.message ?? ''].filter(Boolean).join(': ').slice(0, 2_000),
        error_code: ERROR_CODES[name] ?? (isTls ? 'TLS_ERROR' : 'CONNECTION_FAILED'),
        is_unsent: UNSENT.has(name) || isTls,
      })
    })
  }

  /** Notes the answer's body as the application reads it; nothing is read ahead of it. */
  #watch(call: Record<string, unknown>, response: Response, began: number): void {
    call.ttfb_ms = performance.now() - began
    call.status_code = response.status
    call.response_headers = [...response.headers]
    let isDone = false
    const end = (body?: Buffer, size?: number, error?: unknown): void => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      this.#open.delete(end)
      this.#guarded(() => {
        if (body !== undefined) this.#keepBody(call, 'response', body, size)
        call.duration_ms = body === undefined && error === undefined ? call.ttfb_ms : performance.now() - began
        if (error !== undefined) this.#fail(call, error, began)
        else this.#keep('/api/ingest/calls', call)
      })
    }
    // An application that looks at the status alone made a call all the same.
    const timer = setTimeout(end, this.#options.unreadMs)
    timer.unref()
    this.#open.add(end)
    if (response.body === null || this.#open.size > OPEN_MAX) return end()
    this.#watchReading(response, end)
  }

  #watchReading(response: Response, end: (body?: Buffer, size?: number, error?: unknown) => void): void {
    const stream = Object.getOwnPropertyDescriptor(Response.prototype, 'body')?.get
    const original = {
      text: response.text.bind(response),
      arrayBuffer: response.arrayBuffer.bind(response),
      blob: response.blob.bind(response),
      formData: response.formData.bind(response),
    }
    const noting = <T>(read: () => Promise<T>, bytes: (value: T) => Buffer | undefined) => async (): Promise<T> => {
      try {
        const value = await read()
        end(bytes(value))
        return value
      } catch (error) {
        end(undefined, undefined, error)
        throw error
      }
    }
    const text = noting(original.text, (value) => Buffer.from(value))
    let watched: ReadableStream<Uint8Array> | null = null
    const define = (name: string, property: PropertyDescriptor): void =>
      void Object.defineProperty(response, name, { configurable: true, ...property })
    define('text', { value: text })
    define('json', { value: async () => JSON.parse(await text()) })
    define('arrayBuffer', { value: noting(original.arrayBuffer, (value) => Buffer.from(value)) })
    if ('bytes' in response) define('bytes', { value: noting(async () => new Uint8Array(await original.arrayBuffer()), (value) => Buffer.from(value)) })
    define('blob', { value: noting(original.blob, () => undefined) })
    define('formData', { value: noting(original.formData, () => undefined) })
    if (stream === undefined) return
    const max = this.#options.bodyBytesMax
    define('body', { get: () => (watched ??= watchedStream(stream.call(response), max, end)) })
  }

  #keepBody(call: Record<string, unknown>, side: 'request' | 'response', body: Buffer, size = body.length): void {
    const kept = body.subarray(0, this.#options.bodyBytesMax)
    const isText = isUtf8(kept, kept.length < size)
    call[isText ? `${side}_body` : `${side}_body_base64`] = kept.toString(isText ? 'utf8' : 'base64')
    if (kept.length < size) call[`${side}_body_bytes`] = size
    // What fetch gives is unpacked, whatever the answer's header says of how it came.
    if (side === 'response') call.response_headers = (call.response_headers as string[][]).filter(([name]) => name !== 'content-encoding')
  }

  /** Puts an object into the queue, as JSON: what the application changes later is not sent. */
  #keep(path: string, item: unknown): void {
    this.#counts.taken += 1
    let line: string
    try {
      line = JSON.stringify(item)
    } catch (error) {
      this.#counts.dropped += 1
      this.#lastError = `a record is no JSON: ${String(error)}`
      return
    }
    const bytes = Buffer.byteLength(line)
    const { queueMax, queueBytesMax } = this.#options
    if (this.#isClosed || this.#waiting() >= queueMax || this.#queueBytes + bytes > queueBytesMax) {
      this.#counts.dropped += 1
      return
    }
    this.#queue.push({ path, line, bytes })
    this.#queueBytes += bytes
    this.#schedule()
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isClosed || this.#queue.length === 0) return
    const wait = Math.max(this.#options.intervalMs, this.#notBefore - Date.now())
    // A timer of ours keeps no process alive: `beforeExit` sends the rest.
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#push()
    }, wait)
    this.#timer.unref()
  }

  /** Sends until nothing waits or the monitor is away; one at a time. */
  #push(): Promise<void> {
    this.#sending ??= this.#sendAll()
      .catch(() => {
        this.#counts.internalErrors += 1
      })
      .finally(() => {
        this.#sending = null
        this.#schedule()
      })
    return this.#sending
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0 && Date.now() >= this.#notBefore && !this.#isClosed) {
      const batch = this.#takeBatch()
      const isSettled = await this.#sendBatch(batch)
      if (!isSettled) this.#inHand = 0
      // In front again, in order: what has an id is stored once, however often it comes.
      if (!isSettled && !this.#isClosed) this.#queue.unshift(...batch)
      else if (!isSettled) this.#counts.dropped += batch.length
      if (isSettled || this.#isClosed) this.#queueBytes -= batch.reduce((sum, one) => sum + one.bytes, 0)
    }
  }

  #takeBatch(): Entry[] {
    let count = 0
    let bytes = 0
    for (const entry of this.#queue) {
      if (count === this.#batchMax || entry.path !== this.#queue[0].path || (count > 0 && bytes + entry.bytes > BATCH_BYTES_MAX)) break
      count += 1
      bytes += entry.bytes
    }
    this.#inHand = count
    return this.#queue.splice(0, count)
  }

  /** Whether the batch is settled: stored, ignored or refused for good. */
  async #sendBatch(batch: Entry[]): Promise<boolean> {
    let status = 0
    const stop = (this.#stop = new AbortController())
    const timer = setTimeout(() => stop.abort(), this.#options.timeoutMs)
    try {
      const answer = await this.#send(this.#options.url + batch[0].path, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#options.key}`, 'content-type': 'application/x-ndjson' },
        body: batch.map((one) => one.line).join('\n'),
        redirect: 'error',
        signal: stop.signal,
      })
      status = answer.status
      const told: Record<string, any> = await answer.json().catch(() => ({}))
      if (status === 200 || status === 207) return this.#settle(batch.length, told)
      this.#lastError = `${status} ${told.detail ?? ''}`.trim()
      if (status === 422) return this.#refuse(batch.length)
      if (status === 413 || status === 400) {
        if (batch.length === 1) return this.#refuse(1)
        this.#batchMax = Math.max(1, Math.floor(batch.length / 2))
        return false
      }
      this.#rest(Number(answer.headers.get('retry-after')) * 1000 || 0, status === 401 || status === 403 || status === 404)
    } catch (error) {
      this.#lastError = String(error)
      this.#rest(0, false)
    } finally {
      clearTimeout(timer)
    }
    return false
  }

  #settle(count: number, told: Record<string, any>): boolean {
    const refused = Math.min(count, told.refused_count ?? 0)
    const ignored = Math.min(count - refused, told.ignored ?? 0)
    this.#inHand = 0
    this.#counts.refused += refused
    this.#counts.ignored += ignored
    this.#counts.written += count - refused - ignored
    const first = told.refused?.[0]
    if (first) this.#lastError = `${first.field ?? 'record'}: ${first.problem}`
    this.#failures = 0
    this.#batchMax = Math.min(this.#options.batchMax, this.#batchMax * 2)
    return true
  }

  #refuse(count: number): boolean {
    this.#inHand = 0
    this.#counts.refused += count
    return true
  }

  #rest(wantedMs: number, isRefused: boolean): void {
    const longest = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.#failures, 16))
    this.#failures += 1
    // Many processes that lost the same monitor shall not come back in step.
    const own = isRefused ? RETRY_REFUSED_MS : longest * (0.5 + Math.random() / 2)
    this.#notBefore = Date.now() + Math.max(own, Math.min(wantedMs, 60_000))
  }

  /** Records the calls whose answers nobody has read, as far as they are known. */
  #endOpen(): void {
    for (const end of [...this.#open]) end()
  }

  #waiting(): number {
    return this.#queue.length + this.#inHand
  }

  /** The process ends in the middle: nothing can be sent any more, but it can be said. */
  #tellLost(): void {
    const waiting = this.#waiting() + this.#open.size
    if (waiting > 0) process.stderr.write(`integration monitor: ${waiting} records are lost, call close() before the end\n`)
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#counts.internalErrors += 1
      this.#lastError = String(error)
    }
  }
}

/** The stream as the application reads it; its beginning is kept. */
function watchedStream(
  stream: ReadableStream<Uint8Array> | null,
  bytesMax: number,
  end: (body?: Buffer, size?: number, error?: unknown) => void,
): ReadableStream<Uint8Array> | null {
  if (stream === null) return null
  const reader = stream.getReader()
  const pieces: Uint8Array[] = []
  let kept = 0
  let size = 0
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          end(Buffer.concat(pieces), size)
          return
        }
        size += value.length
        if (kept < bytesMax) pieces.push(value.slice(0, bytesMax - kept))
        kept = Math.min(bytesMax, size)
        controller.enqueue(value)
      } catch (error) {
        controller.error(error)
        end(Buffer.concat(pieces), size, error)
      }
    },
    async cancel(reason) {
      end(Buffer.concat(pieces), size)
      await reader.cancel(reason)
    },
  }, { highWaterMark: 0 })
}

/** Whether bytes are text; a cut may fall inside a character. */
function isUtf8(bytes: Buffer, isCut: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut })
    return true
  } catch {
    return false
  }
}

/** A UUIDv7 (RFC 9562): 48 bits of milliseconds, and the rest is random. */
function uuid7(milliseconds: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(milliseconds, 0, 6)
  bytes[6] = 0x70 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The promise's end, or the end of so much time. */
async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.max(0, ms))))])
  clearTimeout(timer)
}
