/** The part of noVNC's API that we use (noVNC docs/API.md); the package ships no types. */
declare module '@novnc/novnc' {
  export interface RfbOptions {
    readonly shared?: boolean;
    readonly credentials?: { readonly username?: string; readonly password?: string };
    readonly wsProtocols?: readonly string[];
  }
  interface RfbEvents {
    connect: CustomEvent<Record<string, never>>;
    disconnect: CustomEvent<{ readonly clean: boolean }>;
    securityfailure: CustomEvent<{ readonly status: number; readonly reason?: string }>;
    credentialsrequired: CustomEvent<{ readonly types: readonly string[] }>;
    clipboard: CustomEvent<{ readonly text: string }>;
    desktopname: CustomEvent<{ readonly name: string }>;
  }
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, url: string | WebSocket, options?: RfbOptions);
    scaleViewport: boolean;
    clipViewport: boolean;
    resizeSession: boolean;
    viewOnly: boolean;
    focusOnClick: boolean;
    showDotCursor: boolean;
    background: string;
    qualityLevel: number;
    compressionLevel: number;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    blur(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    sendCtrlAltDel(): void;
    clipboardPasteFrom(text: string): void;
    sendCredentials(credentials: { readonly password?: string }): void;
    addEventListener<K extends keyof RfbEvents>(type: K, listener: (event: RfbEvents[K]) => void): void;
  }
}
