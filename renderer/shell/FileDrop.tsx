import { FileDown } from 'lucide-react';
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useBridge, type ChosenFile } from '../bridge/index.ts';
import { isDialogOpen } from './commands.tsx';

export interface DropTarget {
  /** Says what will happen, before the drop. */
  hint: (files: number) => string;
  onDrop: (files: readonly ChosenFile[]) => void;
  /** A folder that was dropped could not be read. */
  onFailed?: (thrown: unknown) => void;
  /** Files that the system gave to the program to open. */
  onOpen?: (files: readonly ChosenFile[]) => void;
}

class Targets {
  /** Of the view that is shown. */
  ofView: DropTarget | undefined;
  /** Where the view takes no files. */
  ofWindow: DropTarget | undefined;

  get current(): DropTarget | undefined {
    return this.ofView ?? this.ofWindow;
  }
}

const TargetContext = createContext<Targets>(new Targets());

/** Files may be dropped anywhere on the window; the view that is shown says what becomes of them. */
export function FileDropProvider({ children }: { children: ReactNode }) {
  const bridge = useBridge();
  const targets = useMemo(() => new Targets(), []);
  const [hint, setHint] = useState<string>();
  useEffect(() => {
    const filesIn = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const over = (event: DragEvent): void => {
      if (!filesIn(event)) return;
      // Without this the window would go to the file.
      event.preventDefault();
      const target = isDialogOpen() ? undefined : targets.current;
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = target === undefined ? 'none' : 'copy';
      setHint(target?.hint(event.dataTransfer?.items.length ?? 1));
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setHint(undefined);
    };
    const drop = (event: DragEvent): void => {
      if (!filesIn(event)) return;
      event.preventDefault();
      setHint(undefined);
      if (event.dataTransfer === null || isDialogOpen()) return;
      const target = targets.current;
      void bridge.filesDropped(event.dataTransfer).then((files) => {
        if (files.length > 0) target?.onDrop(files);
      }, (thrown: unknown) => target?.onFailed?.(thrown));
    };
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    return () => {
      window.removeEventListener('dragover', over);
      window.removeEventListener('dragleave', leave);
      window.removeEventListener('drop', drop);
    };
  }, [bridge, targets]);
  return (
    <TargetContext value={targets}>
      {children}
      {hint !== undefined && (
        <div className="pointer-events-none fixed inset-2 z-50 flex items-center justify-center rounded-panel border-2 border-dashed border-accent bg-scrim">
          <p className="flex items-center gap-2.5 rounded-panel border border-border bg-raised px-5 py-4 text-16 shadow-float">
            <FileDown aria-hidden className="size-5 text-accent" strokeWidth={1.75} />
            {hint}
          </p>
        </div>
      )}
    </TargetContext>
  );
}

/** @returns gives opened files to the view that is shown. */
export function useOpenedFiles(): (files: readonly ChosenFile[]) => void {
  const targets = useContext(TargetContext);
  return (files) => targets.current?.onOpen?.(files);
}

/** Takes files that are dropped on the window, for as long as the component is there. @param place the window’s own target is for views without one */
export function useDropTarget(target: DropTarget, place: 'ofView' | 'ofWindow' = 'ofView'): void {
  const targets = useContext(TargetContext);
  const latest = useRef(target);
  useEffect(() => {
    latest.current = target;
  });
  useEffect(() => {
    const mine: DropTarget = { hint: (files) => latest.current.hint(files), onDrop: (files) => latest.current.onDrop(files), onFailed: (thrown) => latest.current.onFailed?.(thrown), onOpen: (files) => latest.current.onOpen?.(files) };
    const before = targets[place];
    targets[place] = mine;
    return () => {
      if (targets[place] === mine) targets[place] = before;
    };
  }, [targets, place]);
}
