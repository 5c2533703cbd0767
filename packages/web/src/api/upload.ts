/** Uploading a file with progress. XMLHttpRequest, because fetch tells nothing while it sends. */
import { ApiError, fillPath } from '@ryokan/api/client.ts';
import { storageUpload } from '@ryokan/api/methods/storage.ts';
import { session } from './session.ts';

export interface UploadRequest {
  readonly node: string;
  readonly storage: string;
  readonly content: 'iso' | 'vztmpl' | 'import';
  readonly file: File;
  readonly filename: string;
  readonly checksum?: string;
  readonly algorithm?: string;
  readonly onProgress: (sent: number) => void;
  readonly signal: AbortSignal;
}

/** Resolves with the UPID of the task that stores the file; rejects with ApiError, or AbortError when it was cancelled. */
export function upload(request: UploadRequest): Promise<string> {
  const { path } = fillPath(storageUpload.path, { node: request.node, storage: request.storage });
  const form = new FormData();
  form.append('content', request.content);
  if (request.checksum && request.algorithm) {
    form.append('checksum', request.checksum.trim().toLowerCase());
    form.append('checksum-algorithm', request.algorithm);
  }
  // The file comes last: the server must know where it goes before it arrives.
  form.append('filename', request.file, request.filename);
  return new Promise((resolve, reject) => {
    const http = new XMLHttpRequest();
    http.open('POST', `/api2/json${path}`);
    http.setRequestHeader('CSRFPreventionToken', session()?.csrf ?? '');
    http.upload.onprogress = (event) => request.onProgress(event.loaded);
    http.onload = () => {
      const body = parse(http.responseText);
      if (http.status >= 200 && http.status < 300) resolve(String(body.data ?? ''));
      else reject(new ApiError(http.status, body.message?.trim() || http.statusText, body.errors ?? {}));
    };
    http.onerror = () => reject(new ApiError(0, 'The connection broke during the upload.'));
    http.onabort = () => reject(new DOMException('upload cancelled', 'AbortError'));
    request.signal.addEventListener('abort', () => http.abort());
    http.send(form);
  });
}

function parse(text: string): { data?: unknown; message?: string; errors?: Record<string, string> } {
  try {
    return (JSON.parse(text) as ReturnType<typeof parse> | null) ?? {};
  } catch {
    return {};
  }
}

export interface SpeedSample {
  /** Milliseconds. */
  readonly at: number;
  readonly sent: number;
}

/** Bytes a second over the last seconds, and seconds to go; undefined while too little is known. */
export function speedOf(
  samples: readonly SpeedSample[],
  total: number,
): { speed: number; left: number } | undefined {
  const last = samples.at(-1);
  const first = samples.find((one) => last && last.at - one.at <= 5_000);
  if (!last || !first || last.at - first.at < 500) return undefined;
  const speed = ((last.sent - first.sent) * 1000) / (last.at - first.at);
  return speed > 0 ? { speed, left: (total - last.sent) / speed } : undefined;
}
