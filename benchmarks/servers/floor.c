// The floor: writes the same bytes to every socket, and does nothing else.
// Each byte that the first connection sends starts one round.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int count = atoi(argv[1]), one = 1, *members = calloc(count, sizeof(int));
    size_t size = atoi(argv[2]);
    char *frame = malloc(size), rounds[64];
    memset(frame, 'x', size);
    memcpy(frame, "[\"announcement\"", 15);

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 2048)) return 1;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("Listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);

    for (int i = 0; i < count; i++) {
        members[i] = accept(listener, NULL, NULL);
        setsockopt(members[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    for (ssize_t requested; (requested = read(members[0], rounds, sizeof rounds)) > 0;)
        for (; requested > 0; requested--)
            for (int i = 0; i < count; i++)
                if (write(members[i], frame, size) != (ssize_t)size) return 2;
    return 0;
}
